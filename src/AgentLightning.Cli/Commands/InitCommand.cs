using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;
using AgentLightning.Server.Configuration;

namespace AgentLightning.Cli.Commands;

/// <summary>
/// <c>lightning init</c>: writes the settings to begin with for one's own agent, and names the commands of the loop with the ids that there
/// are so far.
/// </summary>
internal static class InitCommand
{
    private const string Upstream = "main";

    public static Command Create()
    {
        var agentId = new Option<string>("--agent-id") { Description = "Your agent's name.", Required = true };
        var output = new Option<FileInfo>("--out")
        {
            Description = "File of the settings.",
            DefaultValueFactory = _ => new FileInfo(SettingsReader.FileName),
        };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the file when it is there." };
        var upstream = new Option<string?>("--upstream")
        {
            Description = "The server that answers your agent today, such as https://api.openai.com/v1: the gateway asks it.",
        };
        var keyVariable = new Option<string?>("--key-variable") { Description = "Environment variable that holds its key." };
        var baseModel = new Option<string?>("--base-model") { Description = "The model that answers your agent today." };
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var command = new Command(
            "init",
            "Writes settings for your own agent and names the commands of its loop. Example: lightning init --agent-id shop "
                + "--upstream https://api.openai.com/v1 --key-variable OPENAI_API_KEY --base-model gpt-4o-mini"
        )
        {
            agentId,
            output,
            overwrite,
            upstream,
            keyVariable,
            baseModel,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var agent = Ids.Check(parsed.GetValue(agentId), "--agent-id");
                var file = parsed.GetValue(output)!;
                var values = Values(agent, parsed.GetValue(upstream), parsed.GetValue(keyVariable), parsed.GetValue(baseModel));
                // A connection string may hold a password, which belongs into no file.
                if (records.StorePath(parsed) is { } store && !RecordsOptions.IsDatabase(store))
                {
                    values["store"] = store;
                }

                var (dataset, run) = await NewestAsync(records, parsed, agent, cancellationToken);
                await WriteAsync(file, SettingsTemplate.Of(values), parsed.GetValue(overwrite), cancellationToken);
                var place = records.Arguments(parsed);
                var commands = new[]
                {
                    $"lightning serve --config {Word(file.ToString())}",
                    $"lightning build-dataset --agent-id {Word(agent)} --name {Word($"{agent}-1")}{place}",
                    $"lightning train --agent-id {Word(agent)} --dataset-id {dataset ?? "DATASET-ID"}{place}",
                    $"lightning evaluate --agent-id {Word(agent)} --run-id {run ?? "RUN-ID"}{place}",
                    $"lightning promote --agent-id {Word(agent)} --run-id {run ?? "RUN-ID"}{place}",
                };
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new Result(file.FullName, agent, commands));
                }
                else
                {
                    Write(file, agent, commands);
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Dictionary<string, string> Values(string agent, string? upstream, string? keyVariable, string? baseModel)
    {
        if (upstream is null && (keyVariable ?? baseModel) is not null)
        {
            throw LightningException.Invalid("--key-variable and --base-model need --upstream, the server that answers.");
        }

        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (upstream is null)
        {
            return values;
        }

        values[$"gateway.upstreams.{Upstream}.url"] = upstream;
        if (keyVariable is not null)
        {
            values[$"gateway.upstreams.{Upstream}.key_variable"] = keyVariable;
        }

        if (baseModel is not null)
        {
            values[$"gateway.agents.{agent}.base_model"] = baseModel;
        }

        return values;
    }

    /// <summary>Nothing where there is no store yet, which the first start of the server makes.</summary>
    private static async Task<(string? Dataset, string? Run)> NewestAsync(
        RecordsOptions records,
        ParseResult parsed,
        string agent,
        CancellationToken cancellationToken
    )
    {
        if (records.StorePath(parsed) is { } store && !RecordsOptions.IsDatabase(store) && !File.Exists(store))
        {
            return (null, null);
        }

        await using var opened = await records.OpenAsync(parsed, cancellationToken);
        var datasets = await opened.Datasets.ListAsync(agent, 1, null, cancellationToken);
        var runs = await opened.Training.ListAsync(new(agent, null, 1), cancellationToken);
        return (datasets.Datasets is [var dataset, ..] ? dataset.Id : null, runs.TrainingRuns is [var run, ..] ? run.Id : null);
    }

    private static async Task WriteAsync(FileInfo file, string text, bool overwrite, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = new FileStream(file.FullName, overwrite ? FileMode.Create : FileMode.CreateNew, FileAccess.Write);
            await using var writer = new StreamWriter(stream);
            await writer.WriteAsync(text.AsMemory(), cancellationToken);
        }
        catch (IOException) when (!overwrite && File.Exists(file.FullName))
        {
            throw LightningException.Conflict($"'{file}' is there already. Give another file with --out, or --overwrite.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The settings cannot be written to '{file}': {e.Message} Give another file with --out.",
                e
            );
        }
    }

    private static void Write(FileInfo file, string agent, string[] commands)
    {
        Terminal.Out.WriteLine($"{file}: every setting with its default, those of your agent set.");
        Terminal.Out.WriteLine();
        Terminal.Out.WriteLine(
            $"The loop. After the first command point your agent at http://127.0.0.1:4747/v1 and let it ask for the model 'agent:{agent}';"
        );
        Terminal.Out.WriteLine("reward what it answers, then go on:");
        Terminal.Out.WriteLine();
        for (var i = 0; i < commands.Length; i++)
        {
            Terminal.Out.WriteLine($"  {i + 1}. {commands[i]}");
        }
    }

    /// <summary>A word of a command line.</summary>
    private static string Word(string text) =>
        text.Any(c => char.IsWhiteSpace(c) || c is '\'' or '"' or ';' or '$' or '&' or '|') ? $"'{text.Replace("'", "'\\''")}'" : text;

    private sealed record Result(string Settings, string AgentId, IReadOnlyList<string> Commands);
}
