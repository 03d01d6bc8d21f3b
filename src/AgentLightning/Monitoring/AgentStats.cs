namespace AgentLightning.Monitoring;

/// <summary>Figures of one agent, counted by the database.</summary>
/// <param name="LightningEnabled">Whether calls are captured.</param>
/// <param name="UseTunedModel">Whether a release, when there is one, answers instead of the base model.</param>
/// <param name="ActiveDeployment">What serves; null when the base model does.</param>
/// <param name="CurrentModel">The model of the release, or the base model.</param>
/// <param name="BaseModel">What answers without a release, as the newest episodes say; null where nothing says it.</param>
public sealed record AgentStats(
    string AgentId,
    bool LightningEnabled,
    bool UseTunedModel,
    AgentStatistics Statistics,
    ActiveModel? ActiveDeployment,
    string? CurrentModel,
    string? BaseModel
);

/// <param name="AverageReward">Of the current rewards, to three decimals.</param>
/// <param name="TrainingRunStatus">Runs in each state that has any.</param>
public sealed record AgentStatistics(
    long TotalEpisodes,
    long TotalRewards,
    double AverageReward,
    long TotalDatasets,
    long TotalTrainingRuns,
    IReadOnlyDictionary<string, long> TrainingRunStatus,
    long TotalDeployments
);

/// <summary>The release that serves.</summary>
public sealed record ActiveModel(bool HasActive, string ModelName, DateTimeOffset PromotedAt);
