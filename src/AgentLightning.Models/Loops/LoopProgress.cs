namespace AgentLightning.Models.Loops;

/// <summary>How far a loop is.</summary>
/// <param name="Step">From 1 to <paramref name="Steps"/>: epochs, or rounds of fresh answers.</param>
/// <param name="Loss">Mean loss of the last epoch.</param>
/// <param name="Reward">Mean reward of the round's fresh answers, −1…1; null when there were none.</param>
/// <param name="Samples">Samples seen so far, repeats included.</param>
public sealed record LoopProgress(int Step, int Steps, float Loss, float? Reward, long Samples);
