using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Engine;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Commands;

/// <summary>
/// What <c>model dpo</c> and <c>model kto</c> have in common: their options, and the way from a file of rows to an adapter or a model.
/// </summary>
internal sealed class ComparisonCommand(string rows, string items)
{
    private readonly Option<DirectoryInfo> _model = ModelCommand.Model();
    private readonly Option<FileInfo> _data = new("--data") { Description = $"JSON lines with {rows}.", Required = true };
    private readonly Option<FileInfo?> _heldOut = new("--held-out")
    {
        Description = "The same, not learned from but scored; by default a tenth of --data.",
    };
    private readonly Option<DirectoryInfo> _output = new("--out")
    {
        Description = "Folder for the adapter, or with --full for the model; an earlier one is replaced.",
        Required = true,
    };
    private readonly Option<bool> _full = new("--full") { Description = "Train all weights instead of an adapter." };
    private readonly Option<int> _rank = new("--rank") { Description = "Rank of the adapter.", DefaultValueFactory = _ => 16 };
    private readonly Option<float> _alpha = new("--alpha")
    {
        Description = "Alpha of the adapter: its change counts alpha / rank.",
        DefaultValueFactory = _ => 32,
    };
    private readonly Option<double> _beta = new("--beta")
    {
        Description = "How dear it is to leave the model as it was.",
        DefaultValueFactory = _ => 0.1,
    };
    private readonly Option<int?> _steps = new("--steps")
    {
        Description = $"Updates; by default as many as once through the {items} takes.",
    };
    private readonly Option<int> _batch = new("--batch-size")
    {
        Description = $"{char.ToUpperInvariant(items[0])}{items[1..]} per update.",
        DefaultValueFactory = _ => 8,
    };
    private readonly Option<float?> _rate = new("--learning-rate")
    {
        Description = "Highest learning rate; 1e-5 by default, with --full 1e-6.",
    };
    private readonly Option<DirectoryInfo?> _run = new("--run")
    {
        Description = "Folder for the journal and checkpoints of the run. When a run there was interrupted, it goes on.",
    };
    private readonly Option<int> _saveEvery = new("--save-every")
    {
        Description = "Updates between checkpoints of the run; needs --run.",
        DefaultValueFactory = _ => 0,
    };
    private readonly Option<bool> _fresh = new("--restart") { Description = "Begin the run anew even where it could go on." };
    private readonly Option<int> _atOnce = ModelCommand.TokensAtOnce();
    private readonly Option<bool> _lowMemory = ModelCommand.LowMemory();
    private readonly Option<long> _seed = CommonOptions.Seed();
    private readonly Option<int> _threads = ModelCommand.Threads();
    private readonly Option<bool> _json = CommonOptions.Json();

    /// <summary>Teaches a policy by items, with the options that a command adds its own loss to.</summary>
    public delegate Task Train<T>(
        LanguagePolicy policy,
        IReadOnlyList<T> items,
        IReadOnlyList<T> heldOut,
        Settings settings,
        RunFolder? run,
        bool resume,
        Action<ReinforcementEvent> progress
    );

    public Command AddTo(Command command, params Option[] own)
    {
        foreach (
            var option in (Option[])
                [
                    _model,
                    _data,
                    _heldOut,
                    _output,
                    _full,
                    _rank,
                    _alpha,
                    .. own,
                    _beta,
                    _steps,
                    _batch,
                    _rate,
                    _run,
                    _saveEvery,
                    _fresh,
                    _atOnce,
                    _lowMemory,
                    _seed,
                    _threads,
                    _json,
                ]
        )
        {
            command.Add(option);
        }

        return command;
    }

    public double Beta(ParseResult parsed) => parsed.GetValue(_beta);

    public bool Json(ParseResult parsed) => parsed.GetValue(_json);

    /// <param name="read">Reads a file of rows.</param>
    public async Task<ComparisonResult> RunAsync<T>(
        ParseResult parsed,
        Func<string, Tokenizer, IReadOnlyList<T>> read,
        Train<T> train,
        Func<ReinforcementEvent, string> describe,
        CancellationToken cancellationToken
    )
    {
        var (folder, target, whole, seed) = (
            parsed.GetValue(_model)!.FullName,
            parsed.GetValue(_output)!.FullName,
            parsed.GetValue(_full),
            parsed.GetValue(_seed)
        );
        ModelTrainCommand.CheckWritable(target, folder);
        var tokenizer = LanguageModel.LoadTokenizer(folder);
        var (items, held) = Divide(
            read(parsed.GetValue(_data)!.FullName, tokenizer),
            parsed.GetValue(_heldOut) is { } file ? read(file.FullName, tokenizer) : null,
            seed
        );
        var size = Math.Max(parsed.GetValue(_batch), 1);
        var settings = new Settings(
            parsed.GetValue(_steps) ?? Math.Max(1, (items.Count + size - 1) / size),
            parsed.GetValue(_batch),
            parsed.GetValue(_rate) ?? (whole ? 1e-6f : 1e-5f),
            parsed.GetValue(_saveEvery),
            seed,
            parsed.GetValue(_atOnce),
            parsed.GetValue(_lowMemory)
        );
        using var loaded = LanguageModel.Load(
            folder,
            adapter: null,
            parsed.GetValue(_threads),
            whole ? StoredType.F32 : null,
            cancellationToken
        );
        using var adapter = whole
            ? null
            : Adapter.Create(loaded.Model, new AdapterOptions { Rank = parsed.GetValue(_rank), Alpha = parsed.GetValue(_alpha) }, seed);
        adapter?.Attach();
        (adapter is null ? (Action<bool>)loaded.Model.Train : adapter.Train)(true);
        var journal = new List<ReinforcementEvent>();
        using var live = new LiveLine(between: LiveLine.Plain);
        var place = parsed.GetValue(_run) is { } at ? new RunFolder(at.FullName) : null;
        await train(
            new LanguagePolicy(loaded.Model, loaded.Compute, adapter),
            items,
            held,
            settings,
            place,
            !parsed.GetValue(_fresh),
            line =>
            {
                journal.Add(line);
                if (line.Find("loss") is not null)
                {
                    live.Show(() => describe(line));
                }
            }
        );
        await (
            adapter is null
                ? HuggingFaceFolder.SaveAsync(loaded.Model, target, copyFrom: folder, cancellationToken: cancellationToken)
                : PeftFolder.SaveAsync(adapter, target, folder, cancellationToken)
        );
        // A run that went on has the lines before it in its folder.
        return new ComparisonResult(target, items.Count, held.Count, settings.Steps, place?.ReadJournal<ReinforcementEvent>() ?? journal);
    }

    private static (IReadOnlyList<T> Items, IReadOnlyList<T> HeldOut) Divide<T>(
        IReadOnlyList<T> items,
        IReadOnlyList<T>? heldOut,
        long seed
    )
    {
        if (heldOut is not null)
        {
            return (items, heldOut);
        }

        T[] order = [.. items];
        new SeededRandom(seed, -1).Shuffle<T>(order);
        var held = (int)Math.Round(0.1 * order.Length);
        return (order[held..], order[..held]);
    }

    /// <summary>What the command line says of the run.</summary>
    internal sealed record Settings(
        int Steps,
        int BatchSize,
        float LearningRate,
        int SaveEvery,
        long Seed,
        int TokensAtOnce,
        bool LowMemory
    )
    {
        /// <summary>Options of a loop with what the command line says in them.</summary>
        public T Set<T>(T options)
            where T : ComparisonOptions =>
            (T)(
                (ComparisonOptions)options with
                {
                    BatchSize = BatchSize,
                    LearningRate = LearningRate,
                    SaveEvery = SaveEvery,
                    Seed = Seed,
                    TokensAtOnce = TokensAtOnce,
                    Checkpointing = LowMemory,
                }
            );
    }
}
