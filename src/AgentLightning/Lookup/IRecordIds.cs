namespace AgentLightning.Lookup;

/// <summary>The ids of one kind of records in the store.</summary>
public interface IRecordIds
{
    RecordKind Kind { get; }

    /// <summary>Ids that begin so, in their order.</summary>
    /// <param name="ends">They end with one of these; null for any end.</param>
    /// <param name="agents">Only those of these agents; null for all, and for what is of no agent.</param>
    /// <param name="most">How many at most.</param>
    Task<IReadOnlyList<FoundId>> FindAsync(
        string begin,
        IReadOnlyList<string>? ends,
        IReadOnlyList<string>? agents,
        int most,
        CancellationToken cancellationToken
    );
}

/// <param name="AgentId">Whose record it is; null for one of no agent.</param>
public sealed record FoundId(string Id, string? AgentId);
