namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>What a pattern allows.</summary>
internal sealed class AutomatonNode(Automaton automaton) : GrammarNode
{
    private readonly bool[] _goesOn = [.. automaton.Next.Select(row => row.Any(to => to >= 0))];

    public override long Left(int at) => automaton.Left[at];

    public override void Step(int at, byte value, Place below, Places next)
    {
        var to = automaton.Next[at][value];
        if (to < 0)
        {
            return;
        }

        if (_goesOn[to])
        {
            next.Add(this, to, below);
        }

        if (automaton.Ends[to])
        {
            next.Add(below);
        }
    }
}
