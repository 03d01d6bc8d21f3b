using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model eval</c>: how many held-out tasks a model does right.</summary>
internal static class ModelEvalCommand
{
    public static Command Create()
    {
        var (task, model, adapter, type, threads, seed, json) = (
            ModelRlCommand.Task(),
            ModelCommand.Model(),
            ModelCommand.Adapter(),
            ModelCommand.Type(),
            ModelCommand.Threads(),
            CommonOptions.Seed(),
            CommonOptions.Json()
        );
        var temperature = new Option<float>("--temperature")
        {
            Description = "0 takes the likeliest token; higher is more varied.",
            DefaultValueFactory = _ => 0,
        };
        var tokens = new Option<int?>("--max-tokens") { Description = "Most tokens of an answer." };
        var command = new Command(
            "eval",
            "Counts the held-out tasks that a model does right. Example: lightning model eval --task reverse4 --model reversed"
        )
        {
            task,
            model,
            adapter,
            temperature,
            tokens,
            seed,
            type,
            threads,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
                LanguageModel.GuardAsync(async () =>
                {
                    var folder = parsed.GetValue(model)!.FullName;
                    var named = RewardTask.Read(
                        parsed.GetValue(task)!,
                        ReinforcementMethod.Grpo,
                        parsed.GetValue(seed),
                        onAdapter: false,
                        () => LanguageModel.LoadTokenizer(folder)
                    );
                    using var loaded = LanguageModel.Load(
                        folder,
                        parsed.GetValue(adapter)?.FullName,
                        parsed.GetValue(threads),
                        parsed.GetValue(type),
                        cancellationToken
                    );
                    var options = named.Options with { MaxTokens = parsed.GetValue(tokens) ?? named.Options.MaxTokens };
                    var started = TimeProvider.System.GetTimestamp();
                    var attempts = await ReinforcementLoop.EvaluateAsync(
                        new LanguagePolicy(loaded.Model, loaded.Compute, loaded.Adapter, LanguageModel.TryLoadTokenizer(folder)),
                        named.HeldOut,
                        named.Environment,
                        options,
                        parsed.GetValue(temperature),
                        TimeProvider.System,
                        cancellationToken
                    );
                    var scored = attempts.Where(attempt => attempt.Failure is null).ToList();
                    if (scored.Count == 0)
                    {
                        throw LightningException.Invalid(
                            attempts.Count == 0
                                ? "The task holds out nothing to evaluate on."
                                : $"None of {attempts.Count} attempts could be judged. The first: {attempts[0].Failure}"
                        );
                    }

                    var result = new
                    {
                        task = named.Name,
                        tasks = attempts.Count,
                        accuracy = (double)scored.Count(attempt => attempt.Return(1) >= options.RightReward) / attempts.Count,
                        reward = scored.Average(attempt => attempt.Return(1)),
                        failures = attempts.Count - scored.Count,
                        seconds = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 3),
                    };
                    if (parsed.GetValue(json))
                    {
                        Terminal.WriteJson(result);
                    }
                    else
                    {
                        Console.Out.WriteLine(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{result.task}: {result.accuracy:P1} of {result.tasks} right, mean reward {result.reward:F3}, "
                                    + $"{result.failures} not judged"
                            )
                        );
                    }

                    return ExitCodes.Success;
                })
        );
        return command;
    }
}
