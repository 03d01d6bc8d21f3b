using System.CommandLine;
using System.Diagnostics;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning triage eval</c>: how a trained policy does on a labelled file.</summary>
internal static class TriageEvalCommand
{
    public static Command Create()
    {
        var labelled = new LabelledFileOptions();
        var json = CommonOptions.Json();
        var model = new Option<DirectoryInfo>("--model") { Description = "Folder of a model that 'triage train' made.", Required = true };
        var command = new Command(
            "eval",
            "Scores a policy on labelled rows. Example: lightning triage eval --model model --data test.csv --text-column title,body "
                + "--label-column label"
        )
        {
            model,
        };
        labelled.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var policy = await ModelFolder.ReadAsync(parsed.GetValue(model)!.FullName, cancellationToken);
                var known = policy.Categories.ToHashSet(StringComparer.Ordinal);
                var scored = new List<ScoredItem>();
                var clock = new Stopwatch();
                foreach (var item in labelled.Read(parsed).Read())
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!known.Contains(item.Label))
                    {
                        throw LightningException.Invalid(
                            $"The data has the label '{item.Label}', which the model never saw in training. It knows: "
                                + $"{string.Join(", ", policy.Categories)}."
                        );
                    }

                    clock.Start();
                    scored.Add(ScoredItem.Of(policy, item));
                    clock.Stop();
                }

                if (scored.Count == 0)
                {
                    throw LightningException.Invalid("The data has no rows. Give a file with labelled rows.");
                }

                var score = ScoreResult.Of(scored, clock.Elapsed);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(score);
                }
                else
                {
                    ScoreTable.Write(score);
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
