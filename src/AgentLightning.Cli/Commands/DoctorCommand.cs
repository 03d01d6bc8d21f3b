using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning doctor</c>: why a trace is empty.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var command = new Command(
            "doctor",
            "Says what was received by OpenTelemetry, what it lacks, and what to switch on. Example: lightning doctor --store lightning.db"
        );
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var report = await opened.Traces.DiagnoseAsync(cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(report);
                    return ExitCodes.Success;
                }

                if (report.Sources.Count > 0)
                {
                    var sources = new Table().AddColumns(
                        "service",
                        "scope",
                        "spans",
                        "of GenAI",
                        "calls",
                        "log events",
                        "missing",
                        "last seen"
                    );
                    foreach (var source in report.Sources)
                    {
                        sources.AddRow(
                            Markup.Escape(source.Service),
                            Markup.Escape(source.Scope),
                            Count(source.Spans),
                            Count(source.GenaiSpans),
                            Count(source.InferenceSpans),
                            Count(source.Logs),
                            string.Join(", ", source.Missing.Select(missing => $"{missing.Key} {Count(missing.Value)}")),
                            source.LastAt.ToString("u", CultureInfo.InvariantCulture)
                        );
                    }

                    Terminal.Results.Write(sources);
                }

                foreach (var refusal in report.Rejected)
                {
                    Terminal.Results.MarkupLineInterpolated(
                        $"[yellow]rejected[/] {refusal.Count} {refusal.Service} {refusal.Scope}: {refusal.Reason}"
                    );
                }

                Terminal.Results.WriteLine(
                    $"{report.StoredSpans} spans stored, {report.PendingTraces} traces wait to be read, "
                        + $"{report.Duplicates} came twice, {report.Conflicts} with other content."
                );
                foreach (var finding in report.Findings.DefaultIfEmpty("Nothing is wrong."))
                {
                    Terminal.Results.MarkupLineInterpolated($"- {finding}");
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static string Count(long value) => value.ToString(CultureInfo.InvariantCulture);
}
