namespace AgentLightning.Models.Generation.Grammars;

/// <summary>A list of like items.</summary>
internal sealed class ArrayNode(GrammarNode item, int least, int? most) : GrammarNode
{
    private const int Begin = 0,
        Open = 1,
        AfterItem = 2,
        AfterComma = 3,
        AfterBlank = 4,
        Phases = 8;

    // Items are counted only as far as it matters.
    private int Counted => most ?? least;

    public override long Left(int at)
    {
        var (phase, count) = (at % Phases, at / Phases);
        long wanted = Math.Max(phase is AfterComma or AfterBlank ? 1 : 0, least - count);
        var commas = phase == AfterItem ? wanted : Math.Max(0, wanted - 1);
        return (phase == Begin ? 2 : 1) + (wanted * item.Shortest) + commas;
    }

    public override void Step(int at, byte value, Place below, Places next)
    {
        var (phase, count) = (at % Phases, at / Phases);
        if (phase == Begin)
        {
            if (value == '[')
            {
                next.Add(this, Open, below);
            }
        }
        else if (phase is Open or AfterItem && value == ']')
        {
            if (count >= least)
            {
                next.Add(below);
            }
        }
        else if (phase == AfterItem)
        {
            if (value == ',' && !(count >= most))
            {
                next.Add(this, AfterComma + (Phases * count), below);
            }
        }
        else if (phase == AfterComma && value == ' ')
        {
            next.Add(this, AfterBlank + (Phases * count), below);
        }
        else if (!(count >= most))
        {
            item.Step(0, value, next.Of(this, AfterItem + (Phases * Math.Min(count + 1, Counted)), below), next);
        }
    }
}
