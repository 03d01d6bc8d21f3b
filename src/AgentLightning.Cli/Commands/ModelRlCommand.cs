using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model rl</c>: learning from rewards, as an adapter or of the whole model.</summary>
internal static class ModelRlCommand
{
    /// <summary>A log is further from the policy than what it draws itself.</summary>
    private const double LoggedClipHigh = 5;

    private static readonly IEnvironment s_nothing = new QuestionEnvironment([]);

    public static Option<string> Task() => new("--task") { Description = RewardTask.Description, Required = true };

    public static Command Create()
    {
        var task = new Option<string?>("--task")
        {
            Description = $"{RewardTask.Description} With --logged it is only evaluated on, and may be left out.",
        };
        var logged = new Option<FileInfo?>("--logged")
        {
            Description =
                "Learn from attempts that were made before: a file from 'episodes export', or JSON lines with prompt_ids, token_ids, "
                + "logprobs, reward and perhaps group.",
        };
        var (threads, seed, json) = (ModelCommand.Threads(), CommonOptions.Seed(), CommonOptions.Json());
        var model = new Option<DirectoryInfo?>("--model")
        {
            Description = "Folder of the model that learns; without one, reverse4 begins with random weights.",
        };
        var method = new Option<string>("--method")
        {
            Description = $"How it learns: {string.Join(", ", MethodNames.All)}.",
            DefaultValueFactory = _ => "grpo",
        };
        var output = new Option<DirectoryInfo?>("--out")
        {
            Description = "Folder for the adapter, or with --full or without --model for the model; an earlier one is replaced.",
        };
        var full = new Option<bool>("--full") { Description = "Train all weights instead of an adapter." };
        var rank = new Option<int>("--rank") { Description = "Rank of the adapter.", DefaultValueFactory = _ => 8 };
        var alpha = new Option<float>("--alpha")
        {
            Description = "Alpha of the adapter: its change counts alpha / rank.",
            DefaultValueFactory = _ => 16,
        };
        var steps = new Option<int?>("--steps") { Description = "Steps; what suits the task by default." };
        var tasks = new Option<int?>("--tasks-per-step") { Description = "Tasks that are attempted in a step." };
        var attempts = new Option<int?>("--attempts") { Description = "Attempts at each of them." };
        var epochs = new Option<int?>("--epochs") { Description = "Times that a step learns from its attempts." };
        var updates = new Option<int?>("--updates") { Description = "Updates in each of these times." };
        var tokens = new Option<int?>("--max-tokens") { Description = "Most tokens of an answer." };
        var rate = new Option<float?>("--learning-rate") { Description = "Learning rate; what suits the task by default." };
        var beta = new Option<double?>("--beta") { Description = "The worth of staying near the model as it was." };
        var entropy = new Option<double?>("--entropy-bonus") { Description = "The worth of staying undecided." };
        var clipHigh = new Option<double?>("--clip-high")
        {
            Description = "How far a ratio of probabilities may rise above 1; what suits the method by default, and 5 with --logged.",
        };
        var temperature = new Option<float?>("--temperature") { Description = "Temperature of attempts." };
        var evaluateEvery = new Option<int?>("--evaluate-every") { Description = "Steps between evaluations on held-out tasks." };
        var stopAt = new Option<double?>("--stop-at") { Description = "Stop when this share of held-out tasks is right." };
        var patience = new Option<int?>("--patience") { Description = "Stop after so many evaluations without a better one." };
        var run = new Option<DirectoryInfo?>("--run")
        {
            Description = "Folder for the journal and checkpoints of the run. When a run there was interrupted, it goes on.",
        };
        var saveEvery = new Option<int?>("--save-every") { Description = "Steps between checkpoints of the run." };
        var (atOnce, lowMemory) = (ModelCommand.TokensAtOnce(), ModelCommand.LowMemory());
        var server = new ServerOptions();
        var fresh = new Option<bool>("--restart") { Description = "Begin the run anew even where it could go on." };
        var command = new Command("rl", "Lets a model learn from rewards. Example: lightning model rl --task reverse4 --method grpo")
        {
            task,
            logged,
            model,
            method,
            output,
            full,
            rank,
            alpha,
            steps,
            tasks,
            attempts,
            epochs,
            updates,
            tokens,
            rate,
            beta,
            entropy,
            clipHigh,
            temperature,
            evaluateEvery,
            stopAt,
            patience,
            run,
            saveEvery,
            fresh,
            server.Url,
            server.KeyFile,
            server.BaseModel,
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
                    var (folder, target) = (parsed.GetValue(model)?.FullName, parsed.GetValue(output)?.FullName);
                    var elsewhere = server.Read(
                        parsed,
                        parsed.GetValue(full) ? null : parsed.GetValue(rank),
                        parsed.GetResult(alpha) is { Implicit: false } ? parsed.GetValue(alpha) : null,
                        parsed.GetValue(seed)
                    );
                    var whole = parsed.GetValue(full) || (folder is null && elsewhere is null);
                    if (target is not null)
                    {
                        ModelTrainCommand.CheckWritable(target, folder ?? "");
                    }

                    var (way, log) = (MethodNames.Parse(parsed.GetValue(method)!), parsed.GetValue(logged));
                    if (log is not null && elsewhere is not null)
                    {
                        throw LightningException.Invalid("--logged learns in this process. Leave --server out, or train on tasks there.");
                    }

                    var named =
                        parsed.GetValue(task) is { } name
                            ? RewardTask.Read(name, way, parsed.GetValue(seed), onAdapter: !whole, () =>
                                LanguageModel.LoadTokenizer(FolderOf(folder))
                            )
                        : log is null ? throw LightningException.Invalid("Give --task, or --logged with attempts that were made before.")
                        : new RewardTask(
                            log.Name,
                            [],
                            [],
                            s_nothing,
                            null,
                            new ReinforcementOptions
                            {
                                Method = way,
                                Seed = parsed.GetValue(seed),
                                Steps = 100,
                                TasksPerStep = 16,
                                LearningRate = 4e-5f,
                                MaxTokens = 1,
                            }
                        );
                    var suited = log is null ? named.Options : named.Options with { ClipHigh = LoggedClipHigh };
                    var options = suited with
                    {
                        Steps = parsed.GetValue(steps) ?? suited.Steps,
                        TasksPerStep = parsed.GetValue(tasks) ?? suited.TasksPerStep,
                        Attempts = parsed.GetValue(attempts) ?? suited.Attempts,
                        Epochs = parsed.GetValue(epochs) ?? suited.Epochs,
                        Updates = parsed.GetValue(updates) ?? suited.Updates,
                        MaxTokens = parsed.GetValue(tokens) ?? suited.MaxTokens,
                        LearningRate = parsed.GetValue(rate) ?? suited.LearningRate,
                        Beta = parsed.GetValue(beta) ?? suited.Beta,
                        EntropyBonus = parsed.GetValue(entropy) ?? suited.EntropyBonus,
                        Temperature = parsed.GetValue(temperature) ?? suited.Temperature,
                        EvaluateEvery = parsed.GetValue(evaluateEvery) ?? suited.EvaluateEvery,
                        StopAtAccuracy = parsed.GetValue(stopAt) ?? suited.StopAtAccuracy,
                        Patience = parsed.GetValue(patience) ?? suited.Patience,
                        SaveEvery = parsed.GetValue(saveEvery) ?? suited.SaveEvery,
                        ClipHigh = parsed.GetValue(clipHigh) ?? suited.ClipHigh,
                        TokensAtOnce = parsed.GetValue(atOnce),
                        Checkpointing = parsed.GetValue(lowMemory),
                    };

                    var place = parsed.GetValue(run) is { } at ? new RunFolder(at.FullName) : null;
                    var chart = new RunChart("reward");
                    if (elsewhere is not null)
                    {
                        // The wire has no word for what keeps an adapter undecided; the task only suggests it.
                        options = options with { EntropyBonus = parsed.GetValue(entropy) ?? 0 };
                        var learned = await ServerOptions.TrainAsync(
                            elsewhere,
                            folder,
                            named,
                            options,
                            place,
                            !parsed.GetValue(fresh),
                            target,
                            line => RlReport.Show(chart, line),
                            cancellationToken
                        );
                        new RlReport(
                            named.Name,
                            MethodNames.Of(options.Method),
                            options.Seed,
                            learned.Steps,
                            learned.Seconds,
                            learned.Accuracy,
                            Round(learned.TokensDrawn / Math.Max(learned.Seconds, 1e-3)),
                            null,
                            null
                        ).Write(target, parsed.GetValue(json));
                        return ExitCodes.Success;
                    }

                    using var loaded = folder is null
                        ? null
                        : LanguageModel.Load(
                            folder,
                            adapter: null,
                            parsed.GetValue(threads),
                            whole ? StoredType.F32 : null,
                            cancellationToken
                        );
                    using var ownCompute = loaded is null ? new Compute(parsed.GetValue(threads)) : null;
                    using var ownModel = loaded is null ? Transformer.Create(named.Config ?? throw NoModel(), parsed.GetValue(seed)) : null;
                    var (trained, compute) = (loaded?.Model ?? ownModel!, loaded?.Compute ?? ownCompute!);
                    using var adapter = whole
                        ? null
                        : Adapter.Create(
                            trained,
                            new AdapterOptions { Rank = parsed.GetValue(rank), Alpha = parsed.GetValue(alpha) },
                            parsed.GetValue(seed)
                        );
                    if (adapter is null)
                    {
                        trained.Train(true);
                    }
                    else
                    {
                        adapter.Attach();
                        adapter.Train(true);
                    }

                    var policy = new LanguagePolicy(
                        trained,
                        compute,
                        adapter,
                        folder is null ? null : LanguageModel.TryLoadTokenizer(folder)
                    );
                    var peak = ModelSpeed.Peak(compute, seconds: 0.1);
                    var attempted = log is null ? null : ReadLog(log.FullName, trained.Config.MaxPositions, way);
                    options = options with
                    {
                        PeakFlops = peak,
                        MaxTokens =
                            attempted is null || parsed.GetValue(tokens) is not null
                                ? options.MaxTokens
                                : Math.Max(options.MaxTokens, attempted.Attempts.Max(attempt => attempt.Drawn.Count)),
                    };
                    var result = await (
                        attempted is null
                            ? ReinforcementLoop.TrainAsync(
                                policy,
                                named.Tasks,
                                named.HeldOut,
                                named.Environment,
                                options,
                                place,
                                !parsed.GetValue(fresh),
                                TimeProvider.System,
                                line => RlReport.Show(chart, line),
                                null,
                                cancellationToken
                            )
                            : ReinforcementLoop.TrainOnLoggedAsync(
                                policy,
                                attempted.Attempts,
                                named.HeldOut,
                                named.Environment,
                                options,
                                place,
                                !parsed.GetValue(fresh),
                                TimeProvider.System,
                                line => RlReport.Show(chart, line),
                                cancellationToken
                            )
                    );
                    if (target is not null)
                    {
                        await (
                            adapter is null
                                ? HuggingFaceFolder.SaveAsync(trained, target, copyFrom: folder, cancellationToken: cancellationToken)
                                : PeftFolder.SaveAsync(adapter, target, folder!, cancellationToken)
                        );
                    }

                    new RlReport(
                        named.Name,
                        MethodNames.Of(options.Method),
                        options.Seed,
                        result.Steps,
                        result.Seconds,
                        result.Accuracy,
                        Round(result.TokensDrawn / Math.Max(result.Seconds, 1e-3)),
                        Round(result.Flops / Math.Max(result.Seconds, 1e-3) / peak),
                        attempted is null ? null : new RlLogged(attempted.Attempts.Count, attempted.LeftOut)
                    ).Write(target, parsed.GetValue(json));
                    return ExitCodes.Success;
                })
        );
        return command;
    }

    private static LoggedAttempts ReadLog(string path, int context, ReinforcementMethod method)
    {
        if (method == ReinforcementMethod.Cispo)
        {
            throw LightningException.Invalid(
                "--method cispo cannot learn from logged attempts: it never lets go of a token, and runs away where nothing fresh is "
                    + "drawn. Take one that clips, such as grpo."
            );
        }

        var read = LoggedAttempts.Read(path, context);
        if (read.LeftOut.Count > 0)
        {
            Console.Error.WriteLine($"Learning from {read.Attempts.Count} attempts. Left out are: {read.Describe()}.");
        }

        // Where attempts are compared, those that nothing compares with teach nothing.
        return
            method is ReinforcementMethod.Ppo or ReinforcementMethod.ReinforcePlusPlus
            || read.Attempts.GroupBy(attempt => attempt.Group).Any(group => group.DistinctBy(attempt => attempt.Return(1)).Count() > 1)
            ? read
            : throw LightningException.Invalid(
                $"{path}: no two of {read.Attempts.Count} attempts answer the same input with different rewards, so "
                    + $"'{MethodNames.Of(method)}' has nothing to compare. Take --method reinforce++ or ppo, which compare with what is "
                    + $"expected."
            );
    }

    private static string FolderOf(string? folder) => folder ?? throw NoModel();

    private static LightningException NoModel() =>
        LightningException.Invalid("--model is required: only the tasks in the box can begin with random weights.");

    private static double Round(double value) =>
        double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
}
