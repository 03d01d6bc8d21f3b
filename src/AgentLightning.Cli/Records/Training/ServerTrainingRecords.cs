using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Server.Training;
using AgentLightning.Training;

namespace AgentLightning.Cli.Records.Training;

internal sealed class ServerTrainingRecords(ServerConnection server) : ITrainingRecords
{
    public bool ExecutesHere => false;

    public Task<StartTrainingResponse> StartAsync(StartTrainingBody run, CancellationToken cancellationToken) =>
        server.PostAsync<StartTrainingBody, StartTrainingResponse>("training", run, cancellationToken);

    public Task<TrainingRunResponse> WaitAsync(string id, TellRun tell, CancellationToken cancellationToken) =>
        RunWatch.WaitAsync(this, id, tell, cancellationToken);

    public Task<TrainingRunResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        server.GetAsync<TrainingRunResponse>($"training/{PathOf(id)}", cancellationToken);

    public Task<TrainingRunListResponse> ListAsync(TrainingRunQuery query, CancellationToken cancellationToken)
    {
        var parts = ServerQuery.Of(
            ("agent_id", query.AgentId),
            ("status", query.Status is { } status ? EnumText.Of(status) : null),
            ("limit", query.Limit.ToString(CultureInfo.InvariantCulture)),
            ("before", query.Before)
        );
        return server.GetAsync<TrainingRunListResponse>($"training?{parts}", cancellationToken);
    }

    public Task<TrainingRunResponse> CancelAsync(string id, CancellationToken cancellationToken) =>
        server.PostAsync<object, TrainingRunResponse>($"training/{PathOf(id)}/cancel", new { }, cancellationToken);

    public Task<TrainingLogResponse> LogAsync(TrainingLogQuery query, CancellationToken cancellationToken) =>
        server.GetAsync<TrainingLogResponse>(
            string.Create(CultureInfo.InvariantCulture, $"training/{PathOf(query.RunId)}/log?after={query.After}&limit={query.Limit}"),
            cancellationToken
        );

    private static string PathOf(string id) => Uri.EscapeDataString(Ids.Check(id, "run_id"));
}
