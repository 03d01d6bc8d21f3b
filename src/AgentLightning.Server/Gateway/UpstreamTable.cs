namespace AgentLightning.Server.Gateway;

/// <summary>The upstreams of the settings.</summary>
internal sealed class UpstreamTable : IDisposable
{
    public UpstreamTable(GatewayOptions options, TimeProvider time)
    {
        All = [.. options.Upstreams.Select(one => new Upstream(one.Key, one.Value, options, time))];
        Names = new ModelNames(All, options.DefaultUpstream);
    }

    public IReadOnlyList<Upstream> All { get; }

    public ModelNames Names { get; }

    public void Dispose()
    {
        foreach (var upstream in All)
        {
            upstream.Dispose();
        }
    }
}
