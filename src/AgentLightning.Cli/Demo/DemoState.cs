using AgentLightning.Evaluation;
using AgentLightning.Training;

namespace AgentLightning.Cli.Demo;

/// <summary>What a demo has done so far: kept in the folder, so that an interrupted one goes on where it was.</summary>
internal sealed record DemoState
{
    public required long Seed { get; init; }

    public required TrainingMethod Method { get; init; }

    public required string Source { get; init; }

    public List<string> Done { get; init; } = [];

    public string? DatasetId { get; set; }

    public string? RunId { get; set; }

    public EvaluationRecord? Evaluation { get; set; }

    /// <summary>The evaluation slice by slice, where the data has slices.</summary>
    public List<SliceComparison> Slices { get; init; } = [];

    public string? ReleaseId { get; set; }

    public string? BadRunId { get; set; }

    public EvaluationRecord? BadEvaluation { get; set; }

    public string? BadReleaseId { get; set; }

    public string? RollbackReason { get; set; }

    /// <summary>Mean reward of each round of fresh answers in training.</summary>
    public List<double> TrainingRewards { get; init; } = [];

    /// <summary>Mean reward of what each release answered, in the order of the demo.</summary>
    public Dictionary<string, double> ServingRewards { get; init; } = [];

    public double Seconds { get; set; }

    /// <summary>Episodes in the store when the demo was complete; null while it is not.</summary>
    public long? Episodes { get; set; }

    public long? Rewards { get; set; }
}

/// <summary>Macro-F1 of both policies on the held-out items of one slice.</summary>
internal sealed record SliceComparison(string Slice, int Count, double Baseline, double Candidate);

/// <summary>The one JSON object of <c>demo --json</c>.</summary>
internal sealed record DemoResult(
    Measurement Baseline,
    Measurement Candidate,
    DemoGate Gate,
    bool Promoted,
    DemoRollback Rollback,
    long Episodes,
    long Rewards,
    double Seconds,
    long Seed
);

internal sealed record DemoGate(bool Passed, double PValue);

internal sealed record DemoRollback(bool Triggered, string Reason);
