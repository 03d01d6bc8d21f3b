using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Engine;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model kto</c>: learning from answers that were liked or not, as an adapter or of the whole model.</summary>
internal static class ModelKtoCommand
{
    public static Command Create()
    {
        var shared = new ComparisonCommand("prompt, completion and label (true for a good answer)", "answers");
        var good = new Option<double>("--good-weight")
        {
            Description = "What a good answer weighs. The weights should make both kinds about equally heavy.",
            DefaultValueFactory = _ => 1,
        };
        var bad = new Option<double>("--bad-weight") { Description = "What a bad answer weighs.", DefaultValueFactory = _ => 1 };
        var command = shared.AddTo(
            new Command(
                "kto",
                "Lets a model learn from answers that were liked or not. Example: lightning model kto --model qwen2.5-0.5b --data "
                    + "answers.jsonl --out adapter"
            ),
            good,
            bad
        );
        command.SetAction(
            (parsed, cancellationToken) =>
                LanguageModel.GuardAsync(async () =>
                {
                    var objective = new ProspectLoss(
                        shared.Beta(parsed),
                        GoodWeight: parsed.GetValue(good),
                        BadWeight: parsed.GetValue(bad)
                    );
                    var result = await shared.RunAsync<LabelledAnswer>(
                        parsed,
                        LabelledRows.Read,
                        (policy, answers, held, settings, run, resume, progress) =>
                            ProspectLoop.TrainAsync(
                                policy,
                                answers,
                                held,
                                settings.Set(new ProspectOptions { Steps = settings.Steps, Loss = objective }),
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
            $"{line.Step}/{line.Steps}  loss {line.Find("loss"):F4}  good {line.Find("rewards/chosen"):F3}  bad "
                + $"{line.Find("rewards/rejected"):F3}  kl {line.Find("kl"):F3}  {line.Seconds:F1} s"
        );

    private static void Write(ComparisonResult result, bool json)
    {
        var (good, bad) = (result.Last("held_out/rewards/chosen"), result.Last("held_out/rewards/rejected"));
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    @out = result.Out,
                    answers = result.Items,
                    held_out = result.HeldOut,
                    steps = result.Steps,
                    loss = result.Last("loss"),
                    held_out_loss = result.Last("held_out/loss"),
                    held_out_good = good,
                    held_out_bad = bad,
                }
            );
            return;
        }

        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Learned from {result.Items:N0} answers in {result.Steps:N0} updates: {result.Out}"
            )
        );
        if (result.Last("held_out/loss") is { } loss)
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Of {result.HeldOut:N0} held-out answers the good gained {good:F3}, the bad {bad:F3}, loss {loss:F4}"
                )
            );
        }
    }
}
