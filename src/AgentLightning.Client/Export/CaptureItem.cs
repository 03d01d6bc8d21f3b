namespace AgentLightning.Client.Export;

/// <summary>Something captured on the caller's thread, which the exporter's thread turns into what is sent.</summary>
internal abstract class CaptureItem
{
    /// <summary>Bytes that it keeps in memory, about.</summary>
    public abstract long Size { get; }

    /// <summary>Writes it redacted into the batch. What it throws drops it.</summary>
    public abstract void Write(Batch batch);
}

/// <summary>A place in the queue: somebody waits until everything before it was delivered.</summary>
internal sealed class Mark : CaptureItem
{
    public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override long Size => 0;

    public override void Write(Batch batch) => batch.Marks.Add(Reached);
}
