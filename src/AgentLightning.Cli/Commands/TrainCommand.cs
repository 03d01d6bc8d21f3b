using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Cli.Records.Training;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Training;
using AgentLightning.Training;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning train</c>: learns from a data set.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var datasetId = new Option<string>("--dataset-id") { Description = "The data set to learn from.", Required = true };
        var baseModel = new Option<string?>("--base-model")
        {
            Description =
                "The model that learns: one of the folder of models by its name, an earlier run's tuned model, or with --store the "
                + "path of a folder. A classifier needs none.",
        };
        var method = new Option<string?>("--method")
        {
            Description =
                $"How it learns: {string.Join(", ", Enum.GetValues<TrainingMethod>().Select(EnumText.Of))}; what suits the data "
                + "set by default.",
        };
        var epochs = new Option<int?>("--epochs") { Description = "Times through the data set." };
        var parameters = new Option<string[]>("--param")
        {
            Description = "A hyper-parameter as name=value, for example --param learning_rate=1e-4; as often as there are some.",
            DefaultValueFactory = _ => [],
        };
        var noWait = new Option<bool>("--no-wait") { Description = "Only queue the run, for a server that executes it." };
        var command = new Command(
            "train",
            "Trains a model on a data set and waits for it. Example: lightning train --dataset-id ID --base-model qwen2.5-0.5b --agent-id "
                + "shop"
        )
        {
            datasetId,
            agentId,
            baseModel,
            method,
            epochs,
            parameters,
            noWait,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var body = new StartTrainingBody(
                    parsed.GetValue(agentId),
                    await opened.Ids.WholeAsync(RecordKind.Dataset, parsed.GetValue(datasetId)!, cancellationToken),
                    parsed.GetValue(baseModel),
                    parsed.GetValue(method),
                    parsed.GetValue(epochs),
                    Read(parsed.GetValue(parameters)!)
                );
                var started = await opened.Training.StartAsync(body, cancellationToken);
                if (parsed.GetValue(noWait))
                {
                    var run = await opened.Training.GetAsync(started.RunId, cancellationToken);
                    Write(run, parsed.GetValue(json));
                    return ExitCodes.Success;
                }

                return await WaitAsync(opened.Training, started.RunId, parsed.GetValue(json), cancellationToken);
            }
        );
        return command;
    }

    private static async Task<int> WaitAsync(ITrainingRecords training, string id, bool json, CancellationToken cancellationToken)
    {
        using var live = new LiveLine(LiveLine.Plain);
        try
        {
            var metrics = "";
            var run = await training.WaitAsync(
                id,
                (step, steps, measured, messages) =>
                {
                    foreach (var message in messages)
                    {
                        live.Keep(message);
                    }

                    metrics = measured is null ? metrics : RunTable.Metrics(measured);
                    if (step is not null)
                    {
                        live.Show(() => string.Create(CultureInfo.InvariantCulture, $"{step}/{steps}  {metrics}"));
                    }
                },
                cancellationToken
            );
            Write(run, json);
            return run.Status == TrainingStatus.Succeeded ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (!training.ExecutesHere)
        {
            await Terminal.Error.WriteLineAsync(
                $"The run goes on at the server. How far it is: lightning status --run-id {id}. To stop it: lightning cancel --run-id {id}"
            );
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException)
        {
            await Terminal.Error.WriteLineAsync($"The run {id} was cancelled.");
            return ExitCodes.Failure;
        }
    }

    private static void Write(TrainingRunResponse run, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(run);
            return;
        }

        if (run.Status == TrainingStatus.Failed)
        {
            Terminal.Error.WriteLine($"error: the run {run.Id} has failed: {run.ErrorMessage}");
            return;
        }

        RunTable.Write(run, []);
    }

    private static Dictionary<string, JsonElement> Read(string[] parameters)
    {
        var read = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var parameter in parameters)
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw LightningException.Invalid($"--param must be name=value, but it is '{parameter}'.");
            }

            if (!read.TryAdd(parameter[..equals], JsonSerializer.SerializeToElement(parameter[(equals + 1)..])))
            {
                throw LightningException.Invalid($"--param {parameter[..equals]} is given twice. Give it once.");
            }
        }

        return read;
    }
}
