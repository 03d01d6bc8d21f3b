using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Engine.Chat;
using Microsoft.Extensions.AI;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model chat</c>: a conversation, a line of standard input a turn.</summary>
internal static class ModelChatCommand
{
    public static Command Create()
    {
        var (model, adapter, type, threads, json) = (
            ModelCommand.Model(),
            ModelCommand.Adapter(),
            ModelCommand.Type(),
            ModelCommand.Threads(),
            CommonOptions.Json()
        );
        var system = new Option<string?>("--system") { Description = "What the model is told before the conversation." };
        var maxTokens = new Option<int>("--max-tokens") { Description = "Most tokens of an answer.", DefaultValueFactory = _ => 512 };
        var temperature = new Option<float>("--temperature")
        {
            Description = "0 takes the likeliest token; higher is more varied.",
            DefaultValueFactory = _ => 1,
        };
        var seed = new Option<long?>("--seed") { Description = "The same seed gives the same answers; without one they vary." };
        var command = new Command(
            "chat",
            "Answers lines of standard input with the lines before in mind, until they end. Example: lightning model chat --model "
                + "qwen2.5-0.5b --system \"Answer in one sentence.\""
        )
        {
            model,
            adapter,
            system,
            maxTokens,
            temperature,
            seed,
            type,
            threads,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                using var models = new LocalModels(TimeProvider.System);
                using var client = models.CreateChatClient(
                    new LocalModelOptions
                    {
                        Folder = parsed.GetValue(model)!.FullName,
                        Adapter = parsed.GetValue(adapter)?.FullName,
                        Threads = parsed.GetValue(threads),
                        Type = parsed.GetValue(type),
                        MaxBatch = 1,
                        MaxOutputTokens = parsed.GetValue(maxTokens),
                    }
                );
                var options = new ChatOptions
                {
                    Temperature = parsed.GetValue(temperature),
                    Seed = parsed.GetValue(seed),
                    Instructions = parsed.GetValue(system),
                };
                await ConverseAsync(client, options, parsed.GetValue(json), cancellationToken);
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static async Task ConverseAsync(IChatClient client, ChatOptions options, bool json, CancellationToken cancellationToken)
    {
        var messages = new List<ChatMessage>();
        while (await ReadAsync(cancellationToken) is { } line)
        {
            messages.Add(new ChatMessage(ChatRole.User, line));
            var updates = new List<ChatResponseUpdate>();
            await foreach (var update in client.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                updates.Add(update);
                if (!json)
                {
                    Console.Out.Write(update.Text);
                }
            }

            var answer = updates.ToChatResponse();
            messages.AddMessages(answer);
            if (json)
            {
                Terminal.WriteJson(
                    new
                    {
                        text = answer.Text,
                        finish_reason = answer.FinishReason?.Value,
                        prompt_tokens = answer.Usage?.InputTokenCount,
                        completion_tokens = answer.Usage?.OutputTokenCount,
                    }
                );
            }
            else
            {
                Console.Out.WriteLine();
            }
        }
    }

    private static async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!Console.IsInputRedirected)
        {
            Console.Error.Write("> ");
        }

        return await Console.In.ReadLineAsync(cancellationToken);
    }
}
