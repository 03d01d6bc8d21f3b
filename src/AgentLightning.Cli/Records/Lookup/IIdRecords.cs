using AgentLightning.Lookup;

namespace AgentLightning.Cli.Records.Lookup;

/// <summary>The ids of records, of which a person may give a part.</summary>
internal interface IIdRecords
{
    /// <summary>The whole id; an error where there is none, and where there are more.</summary>
    Task<string> FindAsync(RecordKind kind, string given, CancellationToken cancellationToken);
}
