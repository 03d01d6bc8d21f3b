namespace AgentLightning.Lookup;

/// <summary>Kinds of records that have ids of their own.</summary>
public enum RecordKind
{
    Episode,
    Reward,
    Feedback,
    Dataset,
    TrainingRun,
    Evaluation,
    Deployment,
    Experiment,
    Key,
    AuditEntry,
}
