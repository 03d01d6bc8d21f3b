namespace AgentLightning.Models.Loops;

/// <summary>What a loop must know to go on, beside what is trained and the optimizer.</summary>
/// <param name="Step">Steps made; lines of the journal up to there stay.</param>
internal sealed record RunState(int Step, IReadOnlyDictionary<string, float[]> Numbers)
{
    public const string Prefix = "loop.";
}
