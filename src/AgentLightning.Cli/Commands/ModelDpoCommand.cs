using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model dpo</c>: learning from preferences, as an adapter or of the whole model.</summary>
internal static class ModelDpoCommand
{
    private static readonly (string Name, PreferenceKind Kind)[] s_losses =
    [
        ("sigmoid", PreferenceKind.Sigmoid),
        ("robust", PreferenceKind.Robust),
        ("ipo", PreferenceKind.Ipo),
        ("hinge", PreferenceKind.Hinge),
        ("apo_zero", PreferenceKind.ApoZero),
    ];

    public static Command Create()
    {
        var shared = new ComparisonCommand(
            "prompt, chosen and rejected, or with input, preferred_output and non_preferred_output",
            "pairs"
        );
        var loss = new Option<string>("--loss")
        {
            Description = $"Loss of a pair: {string.Join(", ", s_losses.Select(pair => pair.Name))}.",
            DefaultValueFactory = _ => "sigmoid",
        };
        var smoothing = new Option<double>("--smoothing")
        {
            Description = "Share of preferences that are the wrong way round, for robust.",
            DefaultValueFactory = _ => 0.1,
        };
        var command = shared.AddTo(
            new Command(
                "dpo",
                "Lets a model learn which of two answers is preferred. Example: lightning model dpo --model qwen2.5-0.5b --data "
                    + "pairs.jsonl --out adapter"
            ),
            loss,
            smoothing
        );
        command.SetAction(
            (parsed, cancellationToken) =>
                LanguageModel.GuardAsync(async () =>
                {
                    var found = Array.FindIndex(s_losses, pair => pair.Name == parsed.GetValue(loss));
                    var kind =
                        found >= 0
                            ? s_losses[found].Kind
                            : throw LightningException.Invalid(
                                $"There is no loss '{parsed.GetValue(loss)}'. There are: "
                                    + $"{string.Join(", ", s_losses.Select(pair => pair.Name))}."
                            );
                    var objective = new PreferenceLoss(
                        kind,
                        shared.Beta(parsed),
                        kind == PreferenceKind.Robust ? parsed.GetValue(smoothing) : 0
                    );
                    var result = await shared.RunAsync<PreferencePair>(
                        parsed,
                        PreferenceRows.Read,
                        (policy, pairs, held, settings, run, resume, progress) =>
                            PreferenceLoop.TrainAsync(
                                policy,
                                pairs,
                                held,
                                settings.Set(new PreferenceOptions { Steps = settings.Steps, Loss = objective }),
                                run,
                                resume,
                                TimeProvider.System,
                                progress,
                                cancellationToken
                            ),
                        Describe,
                        cancellationToken
                    );
                    Write(result, shared.Json(parsed));
                    return ExitCodes.Success;
                })
        );
        return command;
    }

    private static string Describe(ReinforcementEvent line) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{line.Step}/{line.Steps}  loss {line.Find("loss"):F4}  right {line.Find("rewards/accuracies"):P0}  margin "
                + $"{line.Find("rewards/margins"):F3}  {line.Seconds:F1} s"
        );

    private static void Write(ComparisonResult result, bool json)
    {
        var (accuracy, heldOutLoss) = (result.Last("held_out/rewards/accuracies"), result.Last("held_out/loss"));
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    @out = result.Out,
                    pairs = result.Items,
                    held_out = result.HeldOut,
                    steps = result.Steps,
                    loss = result.Last("loss"),
                    held_out_loss = heldOutLoss,
                    held_out_accuracy = accuracy,
                    held_out_margin = result.Last("held_out/rewards/margins"),
                }
            );
            return;
        }

        Console.Out.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"Learned from {result.Items:N0} pairs in {result.Steps:N0} updates: {result.Out}")
        );
        if (accuracy is not null)
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Of {result.HeldOut:N0} held-out pairs {accuracy:P1} the right way round, loss {heldOutLoss:F4}"
                )
            );
        }
    }
}
