namespace AgentLightning.Models.ChatTemplates;

internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>Part of a template that does something.</summary>
internal abstract record Statement(int Line)
{
    public Flow Run(RenderContext context)
    {
        context.Line = Line;
        context.Enter();
        var flow = Do(context);
        context.Leave();
        return flow;
    }

    protected abstract Flow Do(RenderContext context);

    public static Flow RunAll(List<Statement> body, RenderContext context)
    {
        foreach (var statement in body)
        {
            var flow = statement.Run(context);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }
}

internal sealed record TextStatement(int Line, string Text) : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        context.Write(Text);
        return Flow.Next;
    }
}

internal sealed record OutputStatement(int Line, Expression Expression) : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var value = Expression.Evaluate(context);
        context.Line = Line;
        context.Write(Values.Text(value));
        return Flow.Next;
    }
}

internal sealed record IfStatement(int Line, List<(Expression Condition, List<Statement> Body)> Branches, List<Statement> Else)
    : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        foreach (var (condition, body) in Branches)
        {
            if (Values.IsTrue(condition.Evaluate(context)))
            {
                return RunAll(body, context);
            }
        }

        return RunAll(Else, context);
    }
}

internal sealed record JumpStatement(int Line, Flow Flow) : Statement(Line)
{
    protected override Flow Do(RenderContext context) => Flow;
}

/// <summary>The tag <c>generation</c>, around what a model writes.</summary>
internal sealed record MarkedStatement(int Line, List<Statement> Body) : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var from = context.Output.Length;
        var flow = RunAll(Body, context);
        context.Mark(from);
        return flow;
    }
}

/// <summary>What can be set: names, several at once, or a value of a namespace.</summary>
internal sealed record Target(int Line, List<string> Names, string? NamespaceMember)
{
    public void Set(object? value, RenderContext context)
    {
        if (NamespaceMember is not null)
        {
            (
                context.Scope.Find(Names[0]) as Namespace
                ?? throw context.Error($"'{Names[0]}' is no namespace; only those have values that can be set. Make it with 'namespace()'.")
            ).Items[NamespaceMember] = value;
            return;
        }

        if (Names.Count == 1)
        {
            context.Scope[Names[0]] = value;
            return;
        }

        var values = Members.Items(value, context);
        if (values.Count != Names.Count)
        {
            throw context.Error($"There are {Names.Count} names for {values.Count} values.");
        }

        for (var i = 0; i < Names.Count; i++)
        {
            context.Scope[Names[i]] = values[i];
        }
    }
}

internal sealed record SetStatement(int Line, Target Target, Expression Value) : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var value = Value.Evaluate(context);
        context.Line = Line;
        Target.Set(value, context);
        return Flow.Next;
    }
}

/// <summary><c>{% set name %}…{% endset %}</c>: the text in between.</summary>
internal sealed record SetBlockStatement(int Line, Target Target, List<Statement> Body, Func<Expression, Expression> Filters)
    : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var text = context.Capture(() => context.Within(new Scope(context.Scope), () => RunAll(Body, context)));
        Target.Set(Filters(new Literal(Line, text)).Evaluate(context), context);
        return Flow.Next;
    }
}

internal sealed record MacroStatement(int Line, string Name, List<(string Name, Expression? Default)> Parameters, List<Statement> Body)
    : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var around = context.Scope;
        context.Scope[Name] = new Function(Name, (called, arguments) =>
        {
            var scope = new Scope(around);
            return called.Within(scope, () =>
            {
                for (var i = 0; i < Parameters.Count; i++)
                {
                    var (name, otherwise) = Parameters[i];
                    scope[name] =
                        arguments.Has(i, name) ? arguments.Get(i, name)
                        : otherwise is null ? new Undefined(name)
                        : otherwise.Evaluate(called);
                    arguments.Get(i, name);
                }

                arguments.Done();
                return called.Capture(() => RunAll(Body, called));
            });
        });
        return Flow.Next;
    }
}

internal sealed record ForStatement(
    int Line,
    Target Target,
    Expression Source,
    Expression? Where,
    List<Statement> Body,
    List<Statement> Else
) : Statement(Line)
{
    protected override Flow Do(RenderContext context)
    {
        var items = Members.Items(Source.Evaluate(context), context);
        var outer = context.Scope;
        try
        {
            if (Where is not null)
            {
                items = items.FindAll(item =>
                {
                    context.Scope = new Scope(outer);
                    Target.Set(item, context);
                    return Values.IsTrue(Where.Evaluate(context));
                });
            }

            context.Scope = new Scope(outer);
            return items.Count == 0 ? RunAll(Else, context) : Loop(items, outer, context);
        }
        finally
        {
            context.Scope = outer;
        }
    }

    private Flow Loop(List<object?> items, Scope outer, RenderContext context)
    {
        for (var i = 0; i < items.Count; i++)
        {
            context.Step();
            context.Scope = new Scope(outer) { ["loop"] = Loop(items, i) };
            Target.Set(items[i], context);
            if (RunAll(Body, context) == Flow.Break)
            {
                break;
            }
        }

        return Flow.Next;
    }

    private static Map Loop(List<object?> items, int i)
    {
        var loop = new Map();
        loop.Items["index"] = i + 1L;
        loop.Items["index0"] = (long)i;
        loop.Items["revindex"] = (long)items.Count - i;
        loop.Items["revindex0"] = items.Count - i - 1L;
        loop.Items["first"] = i == 0;
        loop.Items["last"] = i == items.Count - 1;
        loop.Items["length"] = (long)items.Count;
        // The depth of recursion, which only loops have that call themselves.
        loop.Items["depth"] = 1L;
        loop.Items["depth0"] = 0L;
        loop.Items["previtem"] = i > 0 ? items[i - 1] : new Undefined("loop.previtem");
        loop.Items["nextitem"] = i + 1 < items.Count ? items[i + 1] : new Undefined("loop.nextitem");
        loop.Items["cycle"] = new Function("loop.cycle", (context, arguments) =>
            arguments.Values.Count > 0 ? arguments.Values[i % arguments.Values.Count] : throw context.Error("'loop.cycle' needs values.")
        );
        return loop;
    }
}
