using System.Diagnostics;
using AgentLightning.Client.Export;

namespace AgentLightning.Client.Telemetry;

/// <summary>Takes the spans of chosen sources when they end: those of the emit calls always, others once they are added.</summary>
internal sealed class SpanListener : IDisposable
{
    private readonly LightningClient _lightning;
    private readonly ActivityListener _listener;
    private string[] _sources = [LightningEmitter.SourceName];

    public SpanListener(LightningClient lightning)
    {
        _lightning = lightning;
        _listener = new ActivityListener
        {
            // Of all sources, because the framework asks once: which are wanted may grow later.
            ShouldListenTo = static source => LightningSources.MayBeWanted(source.Name),
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                IsWanted(options.Source.Name) ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = Stopped,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Adds names of sources; one that ends with <c>*</c> stands for all that begin so.</summary>
    public void Add(IEnumerable<string> sources) => _sources = [.. _sources.Union(sources)];

    public void Dispose() => _listener.Dispose();

    private void Stopped(Activity span)
    {
        // A reward inside an episode goes with the episode.
        if (IsWanted(span.Source.Name) && span.GetTagItem(LightningEmitter.EpisodeIdKey) is null)
        {
            _lightning.Enqueue(new SpanItem(span));
        }
    }

    private bool IsWanted(string name)
    {
        foreach (var source in _sources)
        {
            if (LightningSources.Matches(source, name))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A span that has ended; it changes no more.</summary>
internal sealed class SpanItem(Activity span) : CaptureItem
{
    public override long Size { get; } = 512 + span.TagObjects.Sum(tag => 64L + (2 * ((tag.Value as string)?.Length ?? 8)));

    public override void Write(Batch batch) => batch.Spans.Add(span);
}
