using System.Globalization;
using AgentLightning.Audit;
using AgentLightning.Common;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Access;

/// <summary>
/// Counts refused requests and writes them to the audit log once a minute, one entry for each status, caller and route, so that whoever
/// knocks a million times cannot fill the store. What is more than <see cref="MostGroups"/> kinds in a minute is one entry more.
/// </summary>
internal sealed class RefusalLog(AuditTrail audit, TimeProvider time) : IHostedService, IDisposable
{
    internal const int MostGroups = 64;
    private readonly Lock _lock = new();
    private Dictionary<Group, long> _counts = [];
    private ITimer? _timer;
    private long _total;

    /// <summary>Requests refused since the start.</summary>
    public long Total => Interlocked.Read(ref _total);

    public void Add(int status, Caller caller, string route)
    {
        var group = new Group(status, caller.Key is null && caller.GaveWrongKey ? "wrong key" : caller.Actor, route);
        Interlocked.Increment(ref _total);
        lock (_lock)
        {
            var kept = _counts.ContainsKey(group) || _counts.Count < MostGroups ? group : new Group(0, "several", "");
            _counts[kept] = _counts.GetValueOrDefault(kept) + 1;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => _ = WriteAsync(), null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        return WriteAsync();
    }

    public void Dispose() => _timer?.Dispose();

    /// <summary>Writes what was counted since the last time.</summary>
    public async Task WriteAsync()
    {
        Dictionary<Group, long> counts;
        lock (_lock)
        {
            (counts, _counts) = (_counts, []);
        }

        if (counts.Count > 0)
        {
            await audit.RecordAsync([
                .. counts.Select(pair =>
                    audit.NewEntry(
                        AuditAction.AccessRefused,
                        pair.Key.Route,
                        null,
                        pair.Key.Actor,
                        new Dictionary<string, string>
                        {
                            ["status"] = pair.Key.Status.ToString(CultureInfo.InvariantCulture),
                            ["requests"] = pair.Value.ToString(CultureInfo.InvariantCulture),
                        },
                        AuditOutcome.Refused
                    )
                ),
            ]);
        }
    }

    private readonly record struct Group(int Status, string Actor, string Route);
}
