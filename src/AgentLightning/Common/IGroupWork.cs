namespace AgentLightning.Common;

/// <summary>What a <see cref="GroupQueue{TItem, TResult}"/> does with its groups. Called for one group at a time.</summary>
internal interface IGroupWork<TItem, TResult>
{
    /// <summary>Does the items of a group and completes it. An exception means that nothing of the group was done.</summary>
    Task RunAsync(ItemGroup<TItem, TResult> group);

    /// <summary>What an item counts of the size of a group, at least 1. An item is never divided.</summary>
    int WeightOf(TItem item) => 1;

    /// <summary>An item as it joins a group. An exception keeps it out, and is told to who waits for it.</summary>
    TItem Prepare(TItem item) => item;

    /// <summary>
    /// Whether a failure is of what one item holds. Then each item is done by itself, so that one does not take the others with it. What is
    /// away would keep each of them waiting in turn.
    /// </summary>
    bool IsOfOneItem(Exception failure) => failure is LightningException { Kind: not ErrorKind.Unavailable };

    /// <summary>A group of so many was refused, and its items are done one by one.</summary>
    void Divided(Exception failure, int count) { }

    /// <summary>So many items are lost. What is returned is told to who waits for them.</summary>
    Exception Lost(Exception failure, int count) => failure;
}
