using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Lookup;

namespace AgentLightning.Cli.Records.Lookup;

internal sealed class ServerIdRecords(ServerConnection server) : IIdRecords
{
    public async Task<string> FindAsync(RecordKind kind, string given, CancellationToken cancellationToken)
    {
        var query = ServerQuery.Of(("kind", EnumText.Of(kind)), ("id", given));
        return (await server.GetAsync<IdResponse>($"ids?{query}", cancellationToken)).Id;
    }
}
