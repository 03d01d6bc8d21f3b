using AgentLightning.Server.Triage;

namespace AgentLightning.Cli.Records.Triage;

/// <summary>What the active release makes of a text, captured.</summary>
internal interface ITriageRecords
{
    Task<TriageResponse> AnalyseAsync(TriageRequest feedback, CancellationToken cancellationToken);
}
