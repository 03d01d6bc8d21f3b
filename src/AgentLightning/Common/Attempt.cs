namespace AgentLightning.Common;

/// <summary>What became of one of several things that were asked for together: a result, or why there is none.</summary>
public readonly record struct Attempt<T>(T? Value, LightningException? Problem)
    where T : class;
