using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model train</c>: learning by example, as an adapter or of the whole model.</summary>
internal static class ModelTrainCommand
{
    public static Command Create()
    {
        var (model, threads, seed, json) = (ModelCommand.Model(), ModelCommand.Threads(), CommonOptions.Seed(), CommonOptions.Json());
        var data = new Option<FileSystemInfo[]>("--data")
        {
            Description =
                "JSON lines (prompt and completion, messages, or text; weight or reward), a text file, or a folder of .md and .txt files; "
                + "may be repeated.",
            Required = true,
        };
        var heldOut = new Option<FileSystemInfo[]>("--held-out")
        {
            Description = "The same, not learned from but scored; may be repeated.",
            DefaultValueFactory = _ => [],
        };
        var share = new Option<double>("--held-out-share")
        {
            Description = "Share of the examples to hold out when --held-out is not given, 0 to 0.5.",
            DefaultValueFactory = _ => 0.1,
        };
        var output = new Option<DirectoryInfo>("--out")
        {
            Description = "Folder for the adapter, or with --full for the model; an earlier one is replaced.",
            Required = true,
        };
        var full = new Option<bool>("--full") { Description = "Train all weights instead of an adapter." };
        var rank = new Option<int>("--rank") { Description = "Rank of the adapter.", DefaultValueFactory = _ => 16 };
        var alpha = new Option<float>("--alpha")
        {
            Description = "Alpha of the adapter: its change counts alpha / rank.",
            DefaultValueFactory = _ => 32,
        };
        var targets = new Option<string?>("--targets")
        {
            Description = "Layers that get an adapter, between commas, such as q_proj,v_proj; all linear layers by default.",
        };
        var steps = new Option<int?>("--steps") { Description = "Updates; by default as many as three times through the examples take." };
        var batch = new Option<int>("--batch-size") { Description = "Examples per update.", DefaultValueFactory = _ => 8 };
        var length = new Option<int?>("--max-length")
        {
            Description = "Longest example in tokens; text is cut into such pieces. The context of the model, up to 1,024, by default.",
        };
        var learn = new Option<LearnedTurns>("--learn")
        {
            Description =
                "Of messages: last learns the last one; all every answer of the assistant in one example; each every answer in an example "
                + "of its own, for templates that all refuses.",
            DefaultValueFactory = _ => LearnedTurns.Last,
        };
        var rate = new Option<float?>("--learning-rate") { Description = "Highest learning rate; 2e-4 by default, with --full 2e-5." };
        var temperature = new Option<float>("--reward-temperature")
        {
            Description = "Examples that have a reward count e^(reward / this) times, made 1 on average.",
            DefaultValueFactory = _ => 1,
        };
        var schedule = new Option<Schedule>("--schedule")
        {
            Description = "How the learning rate goes: constant, linear or cosine.",
            DefaultValueFactory = _ => Schedule.Linear,
        };
        var warmup = new Option<int>("--warmup")
        {
            Description = "Updates over which the learning rate rises.",
            DefaultValueFactory = _ => 0,
        };
        var evaluateEvery = new Option<int>("--evaluate-every")
        {
            Description = "Updates between scores of what is held out; 0 scores before and after.",
            DefaultValueFactory = _ => 0,
        };
        var saveEvery = new Option<int>("--save-every")
        {
            Description = "Updates between checkpoints of the run; needs --run.",
            DefaultValueFactory = _ => 0,
        };
        var run = new Option<DirectoryInfo?>("--run")
        {
            Description = "Folder for the journal and checkpoints of the run. When a run there was interrupted, it goes on.",
        };
        var fresh = new Option<bool>("--restart") { Description = "Begin the run anew even where it could go on." };
        var atOnce = new Option<int>("--tokens-at-once")
        {
            Description = "Most tokens computed at once, one example at least: memory against time.",
            DefaultValueFactory = _ => 2048,
        };
        var lowMemory = new Option<bool>("--low-memory") { Description = "Compute activations twice instead of keeping them." };
        var command = new Command(
            "train",
            "Fine-tunes a model on examples. Example: lightning model train --model qwen2.5-0.5b --data rows.jsonl --out adapter"
        )
        {
            model,
            data,
            heldOut,
            share,
            output,
            full,
            rank,
            alpha,
            targets,
            steps,
            batch,
            length,
            learn,
            rate,
            schedule,
            warmup,
            temperature,
            evaluateEvery,
            saveEvery,
            run,
            fresh,
            atOnce,
            lowMemory,
            seed,
            threads,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
                LanguageModel.GuardAsync(async () =>
                {
                    if (parsed.GetValue(share) is not (>= 0 and <= 0.5))
                    {
                        throw LightningException.Invalid(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"--held-out-share must be from 0 to 0.5, but it is {parsed.GetValue(share)}."
                            )
                        );
                    }

                    var folder = parsed.GetValue(model)!.FullName;
                    var target = parsed.GetValue(output)!.FullName;
                    CheckWritable(target, folder);
                    var whole = parsed.GetValue(full);
                    var tokenizer = LanguageModel.LoadTokenizer(folder);
                    using var loaded = LanguageModel.Load(
                        folder,
                        adapter: null,
                        parsed.GetValue(threads),
                        whole ? StoredType.F32 : null,
                        cancellationToken
                    );
                    var examples = FineTuningData.Read(
                        new ExampleReader(
                            tokenizer,
                            parsed.GetValue(length) ?? Math.Min(loaded.Model.Config.MaxPositions, 1024),
                            parsed.GetValue(learn)
                        ),
                        parsed.GetValue(data)!,
                        parsed.GetValue(heldOut)!,
                        parsed.GetValue(share),
                        parsed.GetValue(seed),
                        parsed.GetValue(temperature)
                    );
                    var options = new FineTuningOptions
                    {
                        Steps = parsed.GetValue(steps)
                            ?? Math.Max(1, (int)Math.Ceiling(3.0 * examples.Examples.Count / Math.Max(parsed.GetValue(batch), 1))),
                        BatchSize = parsed.GetValue(batch),
                        LearningRate = parsed.GetValue(rate) ?? (whole ? 2e-5f : 2e-4f),
                        Schedule = parsed.GetValue(schedule),
                        Warmup = parsed.GetValue(warmup),
                        EvaluateEvery = parsed.GetValue(evaluateEvery),
                        SaveEvery = parsed.GetValue(saveEvery),
                        Seed = parsed.GetValue(seed),
                        TokensAtOnce = parsed.GetValue(atOnce),
                        Checkpointing = parsed.GetValue(lowMemory),
                    };
                    using var adapter = whole
                        ? null
                        : Adapter.Create(
                            loaded.Model,
                            new AdapterOptions
                            {
                                Rank = parsed.GetValue(rank),
                                Alpha = parsed.GetValue(alpha),
                                Targets = parsed.GetValue(targets)?.Split(',', StringSplitOptions.TrimEntries),
                            },
                            parsed.GetValue(seed)
                        );
                    var journal = await TrainAsync(
                        loaded,
                        adapter,
                        examples,
                        options,
                        parsed.GetValue(run),
                        !parsed.GetValue(fresh),
                        cancellationToken
                    );
                    await (
                        adapter is null
                            ? HuggingFaceFolder.SaveAsync(loaded.Model, target, copyFrom: folder, cancellationToken: cancellationToken)
                            : PeftFolder.SaveAsync(adapter, target, folder, cancellationToken)
                    );
                    Write(
                        target,
                        examples,
                        journal,
                        options,
                        (adapter?.Parameters ?? loaded.Model.Parameters).Sum(parameter => parameter.Count),
                        parsed.GetValue(json)
                    );
                    return ExitCodes.Success;
                })
        );
        return command;
    }

    /// <summary>Trains, and gives the journal: of a run that went on, what was before as well.</summary>
    private static async Task<IReadOnlyList<FineTuningEvent>> TrainAsync(
        LanguageModel loaded,
        Adapter? adapter,
        FineTuningData data,
        FineTuningOptions options,
        DirectoryInfo? run,
        bool resume,
        CancellationToken cancellationToken
    )
    {
        if (adapter is null)
        {
            loaded.Model.Train(true);
        }
        else
        {
            adapter.Attach();
            adapter.Train(true);
        }

        var folder = run is null ? null : new RunFolder(run.FullName);
        var lines = new List<FineTuningEvent>();
        using var live = new LiveLine(between: LiveLine.Plain);
        await FineTuningLoop.TrainAsync(
            loaded.Model,
            adapter?.Parameters ?? loaded.Model.Parameters,
            loaded.Compute,
            data.Examples,
            data.HeldOut,
            options,
            folder,
            resume,
            TimeProvider.System,
            line =>
            {
                lines.Add(line);
                Report(live, line);
            },
            cancellationToken
        );
        return folder?.ReadJournal() ?? lines;
    }

    private static void Report(LiveLine live, FineTuningEvent line)
    {
        if (line.HeldOutLoss is { } held)
        {
            live.Keep(string.Create(CultureInfo.InvariantCulture, $"{line.Step}/{line.Steps}  held-out loss {held:F4}"));
            return;
        }

        live.Show(() =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{line.Step}/{line.Steps}  loss {line.Loss:F4}  gradient {line.GradientNorm:F3}  {line.Seconds:F1} s"
            )
        );
    }

    private static void Write(
        string target,
        FineTuningData data,
        IReadOnlyList<FineTuningEvent> journal,
        FineTuningOptions options,
        long parameters,
        bool json
    )
    {
        var held = journal.Where(line => line.HeldOutLoss is not null).Select(line => line.HeldOutLoss!.Value).ToList();
        var losses = journal.Where(line => line.Loss is not null).Select(line => line.Loss!.Value).ToList();
        var result = new TrainResult(
            target,
            data.Examples.Count,
            data.HeldOut.Count,
            options.Steps,
            parameters,
            losses.Count > 0 ? losses[^1] : null,
            held.Count > 0 ? held[0] : null,
            held.Count > 0 ? held[^1] : null,
            journal.Count > 0 ? journal[^1].Seconds : 0
        );
        if (json)
        {
            Terminal.WriteJson(result);
            return;
        }

        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Trained {parameters:N0} parameters on {result.Examples:N0} examples in {result.Steps:N0} updates, {result.Seconds:F1} "
                    + $"s: {target}"
            )
        );
        if (result.HeldOutLossAfter is { } after)
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Loss of {result.HeldOut:N0} held-out examples: {result.HeldOutLossBefore:F4} before, {after:F4} after"
                )
            );
        }
    }

    /// <summary>
    /// Checks, before any work is done for it, that nothing but an adapter or a model is replaced, and not the model itself.
    /// </summary>
    public static void CheckWritable(string target, string model)
    {
        if (Path.TrimEndingDirectorySeparator(target) == Path.TrimEndingDirectorySeparator(model))
        {
            throw LightningException.Invalid("--out must not be the folder of the model itself.");
        }

        string[] ours = ["adapter_config.json", "config.json"];
        if (
            File.Exists(target)
            || (
                Directory.Exists(target)
                && Directory.EnumerateFileSystemEntries(target).Any()
                && !ours.Any(name => File.Exists(Path.Combine(target, name)))
            )
        )
        {
            throw LightningException.Invalid(
                $"'{target}' holds something that is neither an adapter nor a model. Give a new or empty folder with --out."
            );
        }
    }

    private sealed record TrainResult(
        string Out,
        int Examples,
        int HeldOut,
        int Steps,
        long Parameters,
        double? Loss,
        double? HeldOutLossBefore,
        double? HeldOutLossAfter,
        double Seconds
    );
}
