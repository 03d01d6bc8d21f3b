using System.Net.Http.Headers;

namespace AgentLightning.Server.Gateway;

/// <summary>Why an attempt gave no answer that can be sent on.</summary>
/// <param name="CanRetry">Whether the same call may succeed, here or elsewhere.</param>
/// <param name="IsOfUpstream">Whether it says that the upstream is ill; a limit of rates does not.</param>
/// <param name="RetryAfter">When the upstream wants to be asked again.</param>
internal sealed record AttemptFailure(
    int Status,
    string Code,
    string Message,
    bool CanRetry,
    bool IsOfUpstream,
    TimeSpan? RetryAfter = null
);

/// <summary>
/// One try at an upstream, up to where something of the answer can be sent: the whole body of a small answer, the first events of a stream.
/// </summary>
internal sealed class Attempt(Upstream upstream, string model, CancellationToken cancellationToken) : IDisposable
{
    private readonly CancellationTokenSource _limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Ends with the caller, and where the upstream takes too long.</summary>
    public CancellationToken Token => _limit.Token;

    public Upstream Upstream { get; } = upstream;

    /// <summary>As the upstream calls it.</summary>
    public string Model { get; } = model;

    public HttpResponseMessage? Response { get; set; }

    /// <summary>What is still to be read; null when all was.</summary>
    public Stream? Rest { get; set; }

    /// <summary>What was read of a body.</summary>
    public PooledBuffer Held { get; } = new();

    /// <summary>The events of a stream; null for an answer in one piece.</summary>
    public SseBuffer? Events { get; set; }

    /// <summary>A read of a stream that has begun and not come back.</summary>
    public Task<int>? Reading { get; set; }

    public AttemptFailure? Failure { get; set; }

    public bool IsOfUpstream => Failure is { IsOfUpstream: true };

    public int Status => Failure?.Status ?? (int)Response!.StatusCode;

    public HttpResponseHeaders? Headers => Response?.Headers;

    /// <summary>Gives the upstream so long from now on.</summary>
    public void Allow(TimeSpan time) => _limit.CancelAfter(time);

    public Attempt Failed(AttemptFailure failure)
    {
        Failure = failure;
        return this;
    }

    public void Dispose()
    {
        Response?.Dispose();
        Held.Dispose();
        _limit.Dispose();
        if (Reading is { IsCompleted: false })
        {
            // It may still write into the events, which therefore are not lent to anybody else; that it fails now is no news.
            _ = Reading.ContinueWith(read => _ = read.Exception, TaskScheduler.Default);
            return;
        }

        Events?.Dispose();
    }
}
