using System.Text;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>An object whose properties come in one order; those that are not required may be left out.</summary>
internal sealed class ObjectNode(IReadOnlyList<(string Name, GrammarNode Value, bool Required)> properties) : GrammarNode
{
    private const int Begin = 0,
        Open = 1,
        AfterKey = 2,
        AfterKeyBlank = 3,
        AfterValue = 4,
        AfterComma = 5,
        AfterCommaBlank = 6,
        Phases = 8;
    private readonly LiteralNode[] _keys = [.. properties.Select(property => KeyOf(property.Name))];

    public override long Left(int at)
    {
        // The number is that of the property one is in, or of the next that may come.
        var (phase, index) = (at % Phases, at / Phases);
        return phase switch
        {
            Begin => 2 + Members(0, first: true),
            Open => 1 + Members(0, first: true),
            AfterKey or AfterKeyBlank => properties[index].Value.Shortest + 1 + Members(index + 1, first: false),
            AfterValue => 1 + Members(index, first: false),
            _ => 1 + (IsRequiredFrom(index) ? Members(index, first: true) : Enumerable.Range(index, properties.Count - index).Min(Member)),
        };
    }

    public override void Step(int at, byte value, Place below, Places next)
    {
        var (phase, index) = (at % Phases, at / Phases);
        switch (phase)
        {
            case Begin:
                if (value == '{')
                {
                    next.Add(this, Open, below);
                }

                break;
            case AfterKey when value == ' ':
                next.Add(this, AfterKeyBlank + (Phases * index), below);
                break;
            case AfterKey or AfterKeyBlank:
                properties[index].Value.Step(0, value, next.Of(this, AfterValue + (Phases * (index + 1)), below), next);
                break;
            case Open or AfterValue when value == '}':
                if (!IsRequiredFrom(index))
                {
                    next.Add(below);
                }

                break;
            case AfterValue:
                if (value == ',' && index < properties.Count)
                {
                    next.Add(this, AfterComma + (Phases * index), below);
                }

                break;
            case AfterComma when value == ' ':
                next.Add(this, AfterCommaBlank + (Phases * index), below);
                break;
            default:
                for (var i = index; i < properties.Count; i++)
                {
                    _keys[i].Step(0, value, next.Of(this, AfterKey + (Phases * i), below), next);
                    if (properties[i].Required)
                    {
                        break;
                    }
                }

                break;
        }
    }

    private static LiteralNode KeyOf(string name)
    {
        var text = new StringBuilder();
        JsonLiteral.Quote(name, text);
        return new LiteralNode(Encoding.UTF8.GetBytes(text.Append(':').ToString()));
    }

    private bool IsRequiredFrom(int index) => Enumerable.Range(index, properties.Count - index).Any(i => properties[i].Required);

    /// <summary>Fewest bytes of all required ones from an index on, with their commas.</summary>
    private long Members(int index, bool first)
    {
        var sum = 0L;
        for (var i = index; i < properties.Count; i++)
        {
            if (properties[i].Required)
            {
                sum += Member(i) + (first ? 0 : 1);
                first = false;
            }
        }

        return sum;
    }

    private long Member(int index) => _keys[index].Shortest + properties[index].Value.Shortest;
}
