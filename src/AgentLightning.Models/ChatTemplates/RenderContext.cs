using System.Runtime.CompilerServices;
using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>Variables of a loop or macro, over those around it.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public Scope? Outer { get; } = outer;

    public object? this[string name]
    {
        set => _values[name] = value;
    }

    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return new Undefined(name);
    }
}

/// <summary>
/// One run of a template. A template comes from whoever made the model, so that its work is bounded: steps, text made, and depth of calls.
/// </summary>
internal sealed class RenderContext(TimeProvider clock)
{
    public const int MostSteps = 2_000_000;
    public const int MostCharacters = 64_000_000;
    public const int DeepestCall = 40;
    public const int Deepest = 1_000;
    private int _steps;
    private long _characters;
    private int _calls,
        _captures;
    private int _depth;

    public TimeProvider Clock { get; } = clock;

    public Scope Scope { get; set; } = new(null);

    public StringBuilder Output { get; private set; } = new();

    /// <summary>
    /// Parts of the text that the template says a model wrote. Null when one is within a text that is put together first, so that its place
    /// is not known.
    /// </summary>
    public List<Range>? Generated { get; private set; } = [];

    /// <summary>The line being run.</summary>
    public int Line { get; set; }

    public void Step(int count = 1)
    {
        _steps += Math.Max(count, 0);
        if (_steps is > MostSteps or < 0)
        {
            throw Error(
                $"It took more than {MostSteps} steps. Templates of models need a few thousand: this one, or the messages, are out of "
                    + $"bounds."
            );
        }
    }

    /// <summary>
    /// A step that may hold others, so that its depth counts too. Where it throws, the whole run ends, and nobody leaves.
    /// </summary>
    public void Enter()
    {
        Step();
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"It is nested more than {Deepest} deep, or deeper than this thread can go.");
        }
    }

    public void Leave() => _depth--;

    /// <summary>Counts text or items that are about to be made.</summary>
    public void Charge(long length)
    {
        _characters += length;
        if (_characters > MostCharacters)
        {
            throw Error($"It made more than {MostCharacters} characters of text.");
        }
    }

    public void Write(string text)
    {
        Charge(text.Length);
        Output.Append(text);
    }

    public void Mark(int from)
    {
        Generated = _captures > 0 ? null : Generated;
        Generated?.Add(from..Output.Length);
    }

    /// <summary>Runs something and gives the text that it wrote.</summary>
    public string Capture(Action run)
    {
        var outer = Output;
        Output = new StringBuilder();
        _captures++;
        try
        {
            run();
            return Output.ToString();
        }
        finally
        {
            Output = outer;
            _captures--;
        }
    }

    public T Within<T>(Scope scope, Func<T> run)
    {
        if (++_calls > DeepestCall)
        {
            throw Error($"Macros call each other more than {DeepestCall} deep.");
        }

        var outer = Scope;
        Scope = scope;
        try
        {
            return run();
        }
        finally
        {
            Scope = outer;
            _calls--;
        }
    }

    public ChatTemplateException Error(string message) => new(Line, message);
}

/// <summary>What a function, filter, test or method was called with.</summary>
internal sealed class Arguments(string callee, List<object?> values, Dictionary<string, object?>? named, RenderContext context)
{
    private readonly HashSet<string> _asked = [];
    private int _most;

    public string Callee { get; } = callee;

    public IReadOnlyList<object?> Values { get; } = values;

    public IReadOnlyDictionary<string, object?> Named { get; } = named ?? [];

    public RenderContext Context { get; } = context;

    /// <summary>The value at a place, or of a name, or the one otherwise.</summary>
    public object? Get(int index, string name, object? otherwise = null)
    {
        _asked.Add(name);
        _most = Math.Max(_most, index + 1);
        return index < Values.Count ? Values[index]
            : Named.TryGetValue(name, out var value) ? value
            : otherwise;
    }

    public object? Need(int index, string name) =>
        index < Values.Count || Named.ContainsKey(name) ? Get(index, name) : throw Context.Error($"{Callee} needs a value for '{name}'.");

    public bool Has(int index, string name) => index < Values.Count || Named.ContainsKey(name);

    public string Text(int index, string name, string? otherwise = null) =>
        (Has(index, name) || otherwise is null ? Need(index, name) : Get(index, name, otherwise)) is string text
            ? text
            : throw Context.Error($"{Callee} needs a text for '{name}'.");

    public long Int(int index, string name, long? otherwise = null) =>
        ChatTemplates.Values.Number(Has(index, name) || otherwise is null ? Need(index, name) : Get(index, name, otherwise)) is long number
            ? number
            : throw Context.Error($"{Callee} needs a whole number for '{name}'.");

    /// <summary>Refuses values that nobody asked for.</summary>
    public void Done()
    {
        if (Values.Count > _most)
        {
            throw Context.Error($"{Callee} takes {_most} values, but it is given {Values.Count}.");
        }

        if (Named.Keys.FirstOrDefault(name => !_asked.Contains(name)) is { } unknown)
        {
            throw Context.Error($"{Callee} has no '{unknown}' here.");
        }
    }
}
