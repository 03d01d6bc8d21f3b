namespace AgentLightning.Common;

/// <summary>What waits in a <see cref="GroupQueue{TItem, TResult}"/>: an item, or a mark that tells when it is reached.</summary>
/// <param name="Bytes">What the item takes of the room of the queue.</param>
/// <param name="Done">Told what became of the item; null when nobody waits.</param>
/// <param name="Mark">Of a mark; null for an item.</param>
internal readonly record struct QueuedItem<TItem, TResult>(
    TItem Item,
    long Bytes,
    TaskCompletionSource<TResult>? Done,
    TaskCompletionSource? Mark
);
