using System.Net;
using AgentLightning.Common;
using AgentLightning.Health;

namespace AgentLightning.Cli.Records.Health;

internal sealed class ServerHealthRecords(ServerConnection server) : IHealthRecords
{
    /// <summary>How long a server has to say whether it is well.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public async Task<HealthReport> CheckAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            // 503 is an answer as well: it says what is wrong.
            using var response = await server.OpenAsync("/health/ready", IsReadiness, patience.Token);
            return await server.ReadAsync<HealthReport>(response, patience.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The server {server.Address} did not answer within {s_patience.TotalSeconds:0} seconds.",
                e
            );
        }

        static bool IsReadiness(HttpStatusCode status) => status is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable;
    }
}
