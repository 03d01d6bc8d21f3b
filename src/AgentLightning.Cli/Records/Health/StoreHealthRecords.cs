using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Server.Health;
using AgentLightning.Storage;

namespace AgentLightning.Cli.Records.Health;

internal sealed class StoreHealthRecords(Workspace workspace) : IHealthRecords
{
    public async Task<ReadyResponse> CheckAsync(CancellationToken cancellationToken)
    {
        var (time, options) = (workspace.Get<TimeProvider>(), workspace.Get<LightningOptions>());
        var started = time.GetTimestamp();
        string? wrong = null;
        var keys = true;
        try
        {
            await workspace.Get<StoreCheck>().CheckUsableAsync(cancellationToken);
            keys = await workspace.Get<IApiKeyStore>().AnyAsync(cancellationToken);
        }
        catch (LightningException e)
        {
            wrong = e.Message;
        }

        var status = wrong is null ? "healthy" : "unhealthy";
        return new ReadyResponse(
            status,
            wrong is null,
            options.UsesPostgres ? "postgresql" : "sqlite",
            keys ? "api_key" : "anonymous",
            [new ReadyCheck("store", status, Math.Round(time.GetElapsedTime(started).TotalMilliseconds, 3), wrong)],
            time.GetUtcNow()
        );
    }
}
