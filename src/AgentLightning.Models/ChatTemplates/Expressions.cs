namespace AgentLightning.Models.ChatTemplates;

/// <summary>Part of a template that has a value.</summary>
internal abstract record Expression(int Line)
{
    public object? Evaluate(RenderContext context)
    {
        context.Line = Line;
        context.Enter();
        var value = Value(context);
        context.Leave();
        return value;
    }

    protected abstract object? Value(RenderContext context);
}

internal sealed record Literal(int Line, object? Constant) : Expression(Line)
{
    protected override object? Value(RenderContext context) => Constant;
}

internal sealed record Variable(int Line, string Name) : Expression(Line)
{
    protected override object? Value(RenderContext context) => context.Scope.Find(Name);
}

internal sealed record ListLiteral(int Line, List<Expression> Items) : Expression(Line)
{
    protected override object? Value(RenderContext context) => Items.ConvertAll(item => item.Evaluate(context));
}

internal sealed record TupleLiteral(int Line, List<Expression> Items) : Expression(Line)
{
    protected override object? Value(RenderContext context) => new TupleList(Items.ConvertAll(item => item.Evaluate(context)));
}

internal sealed record MapLiteral(int Line, List<(Expression Key, Expression Value)> Items) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var map = new Map();
        foreach (var (key, value) in Items)
        {
            map.Items[key.Evaluate(context) is string name ? name : throw context.Error("Keys of objects must be texts.")] = value.Evaluate(
                context
            );
        }

        return map;
    }
}

internal sealed record Choice(int Line, Expression Condition, Expression Then, Expression? Else) : Expression(Line)
{
    protected override object? Value(RenderContext context) =>
        Values.IsTrue(Condition.Evaluate(context)) ? Then.Evaluate(context)
        : Else is null ? new Undefined("the other side of an 'if' without 'else'")
        : Else.Evaluate(context);
}

internal sealed record Not(int Line, Expression Operand) : Expression(Line)
{
    protected override object? Value(RenderContext context) => !Values.IsTrue(Operand.Evaluate(context));
}

/// <summary>"and" and "or": the value of the side that decides.</summary>
internal sealed record Logical(int Line, bool And, Expression Left, Expression Right) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var left = Left.Evaluate(context);
        return Values.IsTrue(left) == And ? Right.Evaluate(context) : left;
    }
}

/// <summary>Comparisons in a row: each with its neighbour, and all must hold.</summary>
internal sealed record Comparison(int Line, Expression First, List<(string Operator, Expression Operand)> Rest) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var left = First.Evaluate(context);
        foreach (var (op, operand) in Rest)
        {
            var right = operand.Evaluate(context);
            context.Line = Line;
            if (!Operators.Compare(op, left, right, context))
            {
                return false;
            }

            left = right;
        }

        return true;
    }
}

internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        object? left = Left.Evaluate(context),
            right = Right.Evaluate(context);
        context.Line = Line;
        return Operators.Calculate(Operator, left, right, context);
    }
}

internal sealed record Negative(int Line, bool Negate, Expression Operand) : Expression(Line)
{
    protected override object? Value(RenderContext context) =>
        Values.Number(Operand.Evaluate(context)) switch
        {
            long n => (object)(Negate ? checked(-n) : n),
            double d => Negate ? -d : d,
            _ => throw context.Error("Only numbers have a sign."),
        };
}

/// <summary><c>a.name</c>, where methods go before keys, and <c>a[…]</c>, where keys go before methods.</summary>
internal sealed record Member(int Line, Expression Owner, Expression Key, bool Dotted) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        object? owner = Owner.Evaluate(context),
            key = Key.Evaluate(context);
        context.Line = Line;
        return Members.Get(owner, key, Dotted, context);
    }
}

internal sealed record Slice(int Line, Expression Owner, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var owner = Owner.Evaluate(context);
        long? start = Bound(Start, context),
            stop = Bound(Stop, context),
            step = Bound(Step, context);
        context.Line = Line;
        return Members.Slice(owner, start, stop, step ?? 1, context);
    }

    private static long? Bound(Expression? bound, RenderContext context) =>
        bound?.Evaluate(context) switch
        {
            null => null,
            long n => n,
            var other => throw context.Error($"A slice needs whole numbers, not {Values.TypeName(other)}."),
        };
}

internal sealed record ArgumentList(List<Expression> Values, List<(string Name, Expression Value)> Named)
{
    public static ArgumentList Empty { get; } = new([], []);

    public Arguments Evaluate(string callee, RenderContext context)
    {
        var values = Values.ConvertAll(value => value.Evaluate(context));
        var named =
            Named.Count == 0 ? null : Named.ToDictionary(pair => pair.Name, pair => pair.Value.Evaluate(context), StringComparer.Ordinal);
        return new Arguments(callee, values, named, context);
    }
}

internal sealed record Call(int Line, Expression Callee, ArgumentList List) : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var callee = Callee.Evaluate(context);
        if (callee is not Function function)
        {
            context.Line = Line;
            throw context.Error($"{Name()} is {Values.TypeName(callee)} and cannot be called.");
        }

        var arguments = List.Evaluate($"'{function.Name}'", context);
        context.Line = Line;
        return function.Call(context, arguments);
    }

    private string Name() =>
        Callee switch
        {
            Variable variable => $"'{variable.Name}'",
            Member { Key: Literal { Constant: string name } } => $"'{name}'",
            _ => "This",
        };
}

internal sealed record Filter(int Line, Expression Operand, string Name, Func<object?, Arguments, object?> Apply, ArgumentList List)
    : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var operand = Operand.Evaluate(context);
        var arguments = List.Evaluate($"The filter '{Name}'", context);
        context.Line = Line;
        return Apply(operand, arguments);
    }
}

internal sealed record Test(int Line, Expression Operand, string Name, Func<object?, Arguments, bool> Apply, ArgumentList List, bool Negate)
    : Expression(Line)
{
    protected override object? Value(RenderContext context)
    {
        var operand = Operand.Evaluate(context);
        var arguments = List.Evaluate($"The test '{Name}'", context);
        context.Line = Line;
        return Apply(operand, arguments) != Negate;
    }
}
