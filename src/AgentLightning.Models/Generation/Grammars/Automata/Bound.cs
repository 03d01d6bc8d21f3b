namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>The least or the most that a number may be.</summary>
/// <param name="Excluded">Whether the number itself is none of them.</param>
internal readonly record struct Bound(decimal Value, bool Excluded)
{
    public bool Allows(decimal value, bool above) =>
        value == Value ? !Excluded
        : above ? value > Value
        : value < Value;
}
