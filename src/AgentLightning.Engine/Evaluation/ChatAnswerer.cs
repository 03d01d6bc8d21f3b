using AgentLightning.Datasets;
using AgentLightning.Evaluation;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Evaluation;

/// <summary>A chat client as a contestant. It gives its likeliest answer, so that the same model answers the same.</summary>
/// <param name="model">Its name in records.</param>
/// <param name="client">Disposed with this.</param>
public sealed class ChatAnswerer(string model, IChatClient client) : IAnswerer
{
    private const int LongestAnswer = 1_024;

    public string Model => model;

    public async ValueTask<string> AnswerAsync(EvaluationItem item, CancellationToken cancellationToken)
    {
        var options = new ChatOptions
        {
            Temperature = 0,
            Seed = 0,
            MaxOutputTokens = LongestAnswer,
        };
        var response = await client
            .GetResponseAsync([.. item.Messages.Select(MessageOf)], options, cancellationToken)
            .ConfigureAwait(false);
        return response.Text;
    }

    public void Dispose() => client.Dispose();

    private static ChatMessage MessageOf(DatasetMessage message)
    {
        if (message.ToolCallId is { } call)
        {
            return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call, message.Content)]);
        }

        var content = new List<AIContent>();
        if (message.Content is { } text)
        {
            content.Add(new TextContent(text));
        }

        foreach (var tool in message.ToolCalls ?? [])
        {
            content.Add(FunctionCallContent.CreateFromParsedArguments(tool.Arguments, tool.Id, tool.Name, Arguments));
        }

        return new ChatMessage(new ChatRole(message.Role), content);
    }

    private static Dictionary<string, object?>? Arguments(string json) =>
        System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, object?>>(json);
}
