using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Architectures;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model score</c>: how likely each token of a sequence is after those before it.</summary>
internal static class ModelScoreCommand
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
        var ids = new Option<string>("--ids") { Description = "Token ids between commas, at least two.", Required = true };
        var command = new Command(
            "score",
            "Prints the log-probability of each token given those before it. Example: lightning model score --model gpt2 --ids 464,3290,318"
        )
        {
            model,
            ids,
            adapter,
            type,
            threads,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                var tokens = TokenIds.Parse("--ids", parsed.GetValue(ids)!);
                if (tokens.Length < 2)
                {
                    throw LightningException.Invalid(
                        $"--ids must hold at least two tokens, because the first has none before it, but it holds {tokens.Length}."
                    );
                }

                using var loaded = LanguageModel.Load(
                    parsed.GetValue(model)!.FullName,
                    parsed.GetValue(adapter)?.FullName,
                    parsed.GetValue(threads),
                    parsed.GetValue(type),
                    cancellationToken
                );
                using var session = new TrainingSession(loaded.Model, loaded.Compute, new TrainingSessionOptions { Checkpointing = true });
                var scores = new float[tokens.Length - 1];
                LanguageModel.Guard(() =>
                {
                    session.Forward(tokens, [0, tokens.Length], [.. Enumerable.Range(0, scores.Length)], tokens.AsSpan(1), scores);
                    return 0;
                });
                float?[] logprobs = [null, .. scores.Select(score => (float?)score)];
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            ids = tokens,
                            logprobs,
                            total = scores.Sum(score => (double)score),
                        }
                    );
                }
                else
                {
                    foreach (var (id, logprob) in tokens.Zip(logprobs))
                    {
                        Console.Out.WriteLine(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{id}\t{(logprob is { } score ? score.ToString("F6", CultureInfo.InvariantCulture) : "")}"
                            )
                        );
                    }
                }

                return Task.FromResult(ExitCodes.Success);
            }
        );
        return command;
    }
}
