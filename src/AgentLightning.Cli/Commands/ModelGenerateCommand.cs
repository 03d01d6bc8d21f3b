using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model generate</c>: one completion of one prompt.</summary>
internal static class ModelGenerateCommand
{
    public static Command Create()
    {
        var (model, adapter, type, threads, seed, json) = (
            ModelCommand.Model(),
            ModelCommand.Adapter(),
            ModelCommand.Type(),
            ModelCommand.Threads(),
            CommonOptions.Seed(),
            CommonOptions.Json()
        );
        var prompt = new Option<string?>("--prompt") { Description = "The text to go on with." };
        var promptIds = new Option<string?>("--prompt-ids")
        {
            Description = "The same as token ids between commas; nothing is added to them.",
        };
        var maxTokens = new Option<int>("--max-tokens") { Description = "Most tokens of the completion.", DefaultValueFactory = _ => 128 };
        var temperature = new Option<float>("--temperature")
        {
            Description = "0 takes the likeliest token; higher is more varied.",
            DefaultValueFactory = _ => 1,
        };
        var topK = new Option<int>("--top-k")
        {
            Description = "Draw from so many of the likeliest tokens; 0 is all.",
            DefaultValueFactory = _ => 0,
        };
        var topP = new Option<float>("--top-p")
        {
            Description = "Draw from the likeliest tokens that together reach this share.",
            DefaultValueFactory = _ => 1,
        };
        var minP = new Option<float>("--min-p")
        {
            Description = "Draw from tokens at least this fraction as likely as the likeliest.",
            DefaultValueFactory = _ => 0,
        };
        var stop = new Option<string[]>("--stop")
        {
            Description = "A text that ends the completion; may be repeated.",
            DefaultValueFactory = _ => [],
        };
        var schema = new Option<FileInfo?>("--json-schema") { Description = "File with a JSON schema that the completion is made to fit." };
        var command = new Command(
            "generate",
            "Goes on with a prompt. Example: lightning model generate --model gpt2 --prompt \"The dog\" --max-tokens 20 --temperature 0"
        )
        {
            model,
            prompt,
            promptIds,
            adapter,
            maxTokens,
            temperature,
            topK,
            topP,
            minP,
            stop,
            schema,
            seed,
            type,
            threads,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                var (text, ids) = (parsed.GetValue(prompt), parsed.GetValue(promptIds));
                if (text is null == ids is null)
                {
                    throw LightningException.Invalid("Give the prompt with --prompt or with --prompt-ids, one of them.");
                }

                var options = new GenerationOptions
                {
                    MaxTokens = parsed.GetValue(maxTokens),
                    Temperature = parsed.GetValue(temperature),
                    TopK = parsed.GetValue(topK),
                    TopP = parsed.GetValue(topP),
                    MinP = parsed.GetValue(minP),
                    Seed = parsed.GetValue(seed),
                    Stop = parsed.GetValue(stop)!,
                    Grammar = parsed.GetValue(schema) is { } file
                        ? LanguageModel.Guard(() => JsonGrammar.Parse(TextFile.ReadAllText(file.FullName)))
                        : null,
                };
                var folder = parsed.GetValue(model)!.FullName;
                var given = ids is null ? null : TokenIds.Parse("--prompt-ids", ids);
                using var loaded = LanguageModel.Load(
                    folder,
                    parsed.GetValue(adapter)?.FullName,
                    parsed.GetValue(threads),
                    parsed.GetValue(type),
                    cancellationToken
                );
                var tokenizer = text is null ? LanguageModel.TryLoadTokenizer(folder) : LanguageModel.LoadTokenizer(folder);
                Generate(
                    loaded,
                    tokenizer,
                    given ?? LanguageModel.Guard(() => tokenizer!.Encode(text!)),
                    options,
                    parsed.GetValue(json),
                    cancellationToken
                );
                return Task.FromResult(ExitCodes.Success);
            }
        );
        return command;
    }

    private static void Generate(
        LanguageModel loaded,
        Tokenizer? tokenizer,
        int[] prompt,
        GenerationOptions options,
        bool json,
        CancellationToken cancellationToken
    )
    {
        var cache = new GeneratorOptions
        {
            MaxBatch = 1,
            CacheTokens = Math.Min(loaded.Model.Config.MaxPositions, prompt.Length + Math.Max(options.MaxTokens!.Value, 1)) + 64,
        };
        using var generator = LanguageModel.Guard(() => new Generator(loaded.Model, loaded.Compute, tokenizer, cache));
        var clock = Stopwatch.StartNew();
        var completion = LanguageModel.Guard(() =>
            generator.Generate(prompt, options, 1, json ? null : token => Console.Out.Write(token.Text), cancellationToken)
        )[0];
        var rate = completion.TokenIds.Count / clock.Elapsed.TotalSeconds;
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    text = completion.Text,
                    prompt_ids = prompt,
                    token_ids = completion.TokenIds,
                    logprobs = completion.LogProbabilities,
                    finish_reason = completion.FinishReason,
                    tokens_per_second = Math.Round(rate, 2),
                }
            );
        }
        else
        {
            Console.Out.WriteLine();
            Console.Error.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{completion.TokenIds.Count} tokens, {EnumText.Of(completion.FinishReason!.Value)}, {rate:F1} a second"
                )
            );
        }
    }
}
