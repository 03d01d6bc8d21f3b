using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Local;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model dpo</c>: learning from preferences, as an adapter or of the whole model.</summary>
internal static class ModelDpoCommand
{
    private static readonly (string Name, PreferenceKind Kind)[] s_losses =
    [
        ("sigmoid", PreferenceKind.Sigmoid), ("robust", PreferenceKind.Robust), ("ipo", PreferenceKind.Ipo), ("hinge", PreferenceKind.Hinge), ("apo_zero", PreferenceKind.ApoZero),
    ];

    public static Command Create()
    {
        var (model, threads, seed, json) = (ModelCommand.Model(), ModelCommand.Threads(), CommonOptions.Seed(), CommonOptions.Json());
        var data = new Option<FileInfo>("--data") { Description = "JSON lines with prompt, chosen and rejected, or with input, preferred_output and non_preferred_output.", Required = true };
        var heldOut = new Option<FileInfo?>("--held-out") { Description = "The same, not learned from but scored; by default a tenth of --data." };
        var output = new Option<DirectoryInfo>("--out") { Description = "Folder for the adapter, or with --full for the model; an earlier one is replaced.", Required = true };
        var full = new Option<bool>("--full") { Description = "Train all weights instead of an adapter." };
        var rank = new Option<int>("--rank") { Description = "Rank of the adapter.", DefaultValueFactory = _ => 16 };
        var alpha = new Option<float>("--alpha") { Description = "Alpha of the adapter: its change counts alpha / rank.", DefaultValueFactory = _ => 32 };
        var loss = new Option<string>("--loss") { Description = $"Loss of a pair: {string.Join(", ", s_losses.Select(pair => pair.Name))}.", DefaultValueFactory = _ => "sigmoid" };
        var beta = new Option<double>("--beta") { Description = "How dear it is to leave the model as it was.", DefaultValueFactory = _ => 0.1 };
        var smoothing = new Option<double>("--smoothing") { Description = "Share of preferences that are the wrong way round, for robust.", DefaultValueFactory = _ => 0.1 };
        var steps = new Option<int?>("--steps") { Description = "Updates; by default as many as once through the pairs takes." };
        var batch = new Option<int>("--batch-size") { Description = "Pairs per update.", DefaultValueFactory = _ => 8 };
        var rate = new Option<float?>("--learning-rate") { Description = "Highest learning rate; 1e-5 by default, with --full 1e-6." };
        var run = new Option<DirectoryInfo?>("--run") { Description = "Folder for the journal and checkpoints of the run. When a run there was interrupted, it goes on." };
        var saveEvery = new Option<int>("--save-every") { Description = "Updates between checkpoints of the run; needs --run.", DefaultValueFactory = _ => 0 };
        var fresh = new Option<bool>("--restart") { Description = "Begin the run anew even where it could go on." };
        var command = new Command("dpo", "Lets a model learn which of two answers is preferred. Example: lightning model dpo --model qwen2.5-0.5b --data pairs.jsonl --out adapter")
        {
            model, data, heldOut, output, full, rank, alpha, loss, beta, smoothing, steps, batch, rate, run, saveEvery, fresh, seed, threads, json,
        };
        command.SetAction((parsed, cancellationToken) => LanguageModel.GuardAsync(async () =>
        {
            var (folder, target, whole) = (parsed.GetValue(model)!.FullName, parsed.GetValue(output)!.FullName, parsed.GetValue(full));
            ModelTrainCommand.CheckWritable(target, folder);
            var kind = Array.FindIndex(s_losses, pair => pair.Name == parsed.GetValue(loss));
            if (kind < 0)
            {
                throw LightningException.Invalid($"There is no loss '{parsed.GetValue(loss)}'. There are: {string.Join(", ", s_losses.Select(pair => pair.Name))}.");
            }

            var tokenizer = LanguageModel.LoadTokenizer(folder);
            var (pairs, held) = Divide(PreferenceRows.Read(parsed.GetValue(data)!.FullName, tokenizer), parsed.GetValue(heldOut) is { } file ? PreferenceRows.Read(file.FullName, tokenizer) : null, parsed.GetValue(seed));
            var options = new PreferenceOptions
            {
                Steps = parsed.GetValue(steps) ?? Math.Max(1, (pairs.Count + Math.Max(parsed.GetValue(batch), 1) - 1) / Math.Max(parsed.GetValue(batch), 1)), BatchSize = parsed.GetValue(batch),
                Loss = new PreferenceLoss(s_losses[kind].Kind, parsed.GetValue(beta), s_losses[kind].Kind == PreferenceKind.Robust ? parsed.GetValue(smoothing) : 0),
                LearningRate = parsed.GetValue(rate) ?? (whole ? 1e-6f : 1e-5f), SaveEvery = parsed.GetValue(saveEvery), Seed = parsed.GetValue(seed),
            };
            using var loaded = LanguageModel.Load(folder, adapter: null, parsed.GetValue(threads), whole ? StoredType.F32 : null, cancellationToken);
            using var adapter = whole ? null : Adapter.Create(loaded.Model, new AdapterOptions { Rank = parsed.GetValue(rank), Alpha = parsed.GetValue(alpha) }, parsed.GetValue(seed));
            adapter?.Attach();
            (adapter is null ? (Action<bool>)loaded.Model.Train : adapter.Train)(true);
            var journal = new List<ReinforcementEvent>();
            var place = parsed.GetValue(run) is { } at ? new RunFolder(at.FullName) : null;
            await PreferenceLoop.TrainAsync(
                new LanguagePolicy(loaded.Model, loaded.Compute, adapter), pairs, held, options, place, !parsed.GetValue(fresh), TimeProvider.System,
                line =>
                {
                    journal.Add(line);
                    Report(line);
                },
                cancellationToken);
            await (adapter is null
                ? HuggingFaceFolder.SaveAsync(loaded.Model, target, copyFrom: folder, cancellationToken: cancellationToken)
                : PeftFolder.SaveAsync(adapter, target, folder, cancellationToken));
            // A run that went on has the lines before it in its folder.
            Write(new DpoResult(target, pairs.Count, held.Count, options.Steps, place?.ReadJournal<ReinforcementEvent>() ?? journal), parsed.GetValue(json));
            return ExitCodes.Success;
        }));
        return command;
    }

    private static (IReadOnlyList<PreferencePair> Pairs, IReadOnlyList<PreferencePair> HeldOut) Divide(IReadOnlyList<PreferencePair> pairs, IReadOnlyList<PreferencePair>? heldOut, long seed)
    {
        if (heldOut is not null)
        {
            return (pairs, heldOut);
        }

        PreferencePair[] order = [.. pairs];
        new SeededRandom(seed, -1).Shuffle<PreferencePair>(order);
        var held = (int)Math.Round(0.1 * order.Length);
        return (order[held..], order[..held]);
    }

    private static void Report(ReinforcementEvent line)
    {
        if (!Console.IsErrorRedirected && line.Find("loss") is { } loss)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.Step}/{line.Steps}  loss {loss:F4}  right {line.Find("rewards/accuracies"):P0}  margin {line.Find("rewards/margins"):F3}  {line.Seconds:F1} s"));
        }
    }

    private static void Write(DpoResult result, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(result);
            return;
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"Learned from {result.Pairs:N0} pairs in {result.Steps:N0} updates: {result.Out}{(result.HeldOutAccuracy is { } accuracy ? $"\nOf {result.HeldOut:N0} held-out pairs {accuracy:P1} the right way round, loss {result.HeldOutLoss:F4}" : "")}"));
    }

    private sealed class DpoResult(string target, int pairs, int heldOut, int steps, IReadOnlyList<ReinforcementEvent> journal)
    {
        [JsonPropertyName("out")]
        public string Out => target;

        [JsonPropertyName("pairs")]
        public int Pairs => pairs;

        [JsonPropertyName("held_out")]
        public int HeldOut => heldOut;

        [JsonPropertyName("steps")]
        public int Steps => steps;

        [JsonPropertyName("loss")]
        public double? Loss => Last("loss");

        [JsonPropertyName("held_out_loss")]
        public double? HeldOutLoss => Last("held_out/loss");

        [JsonPropertyName("held_out_accuracy")]
        public double? HeldOutAccuracy => Last("held_out/rewards/accuracies");

        [JsonPropertyName("held_out_margin")]
        public double? HeldOutMargin => Last("held_out/rewards/margins");

        private double? Last(string name) => journal.Select(line => line.Find(name)).LastOrDefault(value => value is not null);
    }
}
