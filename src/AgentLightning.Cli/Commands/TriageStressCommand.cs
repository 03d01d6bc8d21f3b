using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Triage;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning triage stress</c>: tries the rules, and a model beside them, hard, and writes a report.</summary>
internal static class TriageStressCommand
{
    public static Command Create()
    {
        var model = new Option<DirectoryInfo?>("--model") { Description = "Folder of a model that 'triage train' made, tried as well." };
        var output = new Option<FileInfo>("--out")
        {
            Description = "File of the report, which is replaced.",
            DefaultValueFactory = _ => new FileInfo("STRESS_TEST_REPORT.md"),
        };
        var json = CommonOptions.Json();
        var command = new Command(
            "stress",
            "Tries triage policies hard: speed, categories, consistency and hard inputs. Example: lightning triage stress --model model"
        )
        {
            model,
            output,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var paths = new List<(string Path, StressResult Result)>
                {
                    ("Rule path", TriageStress.Run(new RuleTriagePolicy(), cancellationToken)),
                };
                if (parsed.GetValue(model) is { } folder)
                {
                    var policy = await ModelFolder.ReadAsync(folder.FullName, cancellationToken);
                    paths.Add(("Model path", TriageStress.Run(policy, cancellationToken)));
                }

                var file = parsed.GetValue(output)!.FullName;
                await WriteAsync(file, StressReport.Of(paths, TimeProvider.System.GetUtcNow()), cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new Summary(file, [.. paths.Select(path => path.Result)]));
                }
                else
                {
                    foreach (var (path, result) in paths)
                    {
                        foreach (var test in result.Tests)
                        {
                            Terminal.Results.MarkupLineInterpolated(
                                $"{(test.Passed ? "[green]PASS[/]" : "[red]FAIL[/]")} {path}, {test.Name}: {test.Detail}"
                            );
                        }
                    }

                    Terminal.Results.MarkupLineInterpolated($"Report: {file}");
                }

                return paths.All(path => path.Result.Passed) ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static async Task WriteAsync(string file, string report, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(file, report, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The report cannot be written to '{file}': {e.Message} Give another file with --out.",
                e
            );
        }
    }

    private sealed record Summary(string Report, IReadOnlyList<StressResult> Paths);
}
