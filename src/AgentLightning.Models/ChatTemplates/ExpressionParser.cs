using System.Globalization;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>Makes expressions of tokens, with the precedence of Jinja.</summary>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private const int Deepest = 60;
    private int _depth;

    /// <summary>An expression, or several with commas between, which are a tuple.</summary>
    public Expression ParseTuple(bool conditional = true)
    {
        var line = tokens.Line;
        var first = conditional ? Parse() : Or();
        if (!tokens.IsOperator(","))
        {
            return first;
        }

        List<Expression> items = [first];
        while (tokens.TryOperator(",") && !(tokens.Current.Kind is TokenKind.TagEnd or TokenKind.OutputEnd || tokens.IsOperator(")")))
        {
            items.Add(conditional ? Parse() : Or());
        }

        return new TupleLiteral(line, items);
    }

    public Expression Parse()
    {
        if (++_depth > Deepest)
        {
            throw tokens.Error($"An expression is nested more than {Deepest} deep.");
        }

        var line = tokens.Line;
        var value = Or();
        while (tokens.TryName("if"))
        {
            var condition = Or();
            value = new Choice(line, condition, value, tokens.TryName("else") ? Parse() : null);
        }

        _depth--;
        return value;
    }

    /// <summary>Filters without an operand, as in a block that is set.</summary>
    public Func<Expression, Expression> ParseFilters()
    {
        var filters = new List<Func<Expression, Expression>>();
        while (tokens.IsOperator("|"))
        {
            filters.Add(FilterOf());
        }

        return operand => filters.Aggregate(operand, (value, filter) => filter(value));
    }

    private Expression Or()
    {
        var left = And();
        while (tokens.IsName("or"))
        {
            var line = tokens.Take().Line;
            left = new Logical(line, false, left, And());
        }

        return left;
    }

    private Expression And()
    {
        var left = Negation();
        while (tokens.IsName("and"))
        {
            var line = tokens.Take().Line;
            left = new Logical(line, true, left, Negation());
        }

        return left;
    }

    private Expression Negation()
    {
        var nots = 0;
        var line = tokens.Line;
        while (tokens.TryName("not"))
        {
            nots++;
        }

        var value = Compare();
        return nots == 0 ? value
            : nots % 2 == 1 ? new Not(line, value)
            : new Not(line, new Not(line, value));
    }

    private Expression Compare()
    {
        var line = tokens.Line;
        var first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (tokens.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
            {
                rest.Add((tokens.Take().Text, Sum()));
            }
            else if (tokens.TryName("in"))
            {
                rest.Add(("in", Sum()));
            }
            else if (tokens.IsName("not") && tokens.NextIsName("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(line, first, rest);
            }
        }
    }

    private Expression Sum() => LeftToRight(Concatenation, "+", "-");

    private Expression Concatenation() => LeftToRight(Product, "~");

    private Expression Product() => LeftToRight(Power, "*", "/", "//", "%");

    private Expression Power() => LeftToRight(() => Unary(), "**");

    private Expression LeftToRight(Func<Expression> operand, params ReadOnlySpan<string> operators)
    {
        var left = operand();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Text))
        {
            var op = tokens.Take();
            left = new Binary(op.Line, op.Text, left, operand());
        }

        return left;
    }

    private Expression Unary(bool filters = true)
    {
        var line = tokens.Line;
        Expression value;
        if (tokens.Current is { Kind: TokenKind.Operator, Text: "-" or "+" })
        {
            if (++_depth > Deepest)
            {
                throw tokens.Error($"An expression is nested more than {Deepest} deep.");
            }

            value = new Negative(line, tokens.Take().Text == "-", Unary(filters: false));
            _depth--;
        }
        else
        {
            value = Postfix(Primary());
        }

        return filters ? FiltersAndTests(value) : value;
    }

    private Expression Primary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Literal(token.Line, true),
                    "false" or "False" => new Literal(token.Line, false),
                    "none" or "None" => new Literal(token.Line, null),
                    _ => new Variable(token.Line, token.Text),
                };
            case TokenKind.String:
                var text = token.Text;
                while (tokens.Current.Kind == TokenKind.String)
                {
                    text += tokens.Take().Text;
                }

                return new Literal(token.Line, text);
            case TokenKind.Integer:
                return long.TryParse(
                    token.Text.Replace("_", "", StringComparison.Ordinal),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var whole
                )
                    ? new Literal(token.Line, whole)
                    : throw new ChatTemplateException(token.Line, $"The number {token.Text} is too large.");
            case TokenKind.Float:
                return new Literal(
                    token.Line,
                    double.Parse(token.Text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture)
                );
            case TokenKind.Operator when token.Text == "(":
                if (tokens.TryOperator(")"))
                {
                    return new TupleLiteral(token.Line, []);
                }

                var inner = ParseTuple();
                tokens.NeedOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return new ListLiteral(token.Line, Items("]", Parse));
            case TokenKind.Operator when token.Text == "{":
                return new MapLiteral(token.Line, Items("}", () =>
                    {
                        var key = Parse();
                        tokens.NeedOperator(":");
                        return (key, Parse());
                    }));
            default:
                throw new ChatTemplateException(
                    token.Line,
                    "Expected a value, but there is "
                        + (token.Kind is TokenKind.TagEnd or TokenKind.OutputEnd ? "the end of the tag." : $"'{token.Text}'.")
                );
        }
    }

    private List<T> Items<T>(string close, Func<T> item)
    {
        var items = new List<T>();
        while (!tokens.TryOperator(close))
        {
            items.Add(item());
            if (!tokens.IsOperator(close))
            {
                tokens.NeedOperator(",");
            }
        }

        return items;
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            var line = tokens.Line;
            if (tokens.TryOperator("."))
            {
                var name = tokens.Take();
                value = name.Kind switch
                {
                    TokenKind.Name => new Member(line, value, new Literal(line, name.Text), Dotted: true),
                    TokenKind.Integer => new Member(
                        line,
                        value,
                        new Literal(line, long.Parse(name.Text, CultureInfo.InvariantCulture)),
                        Dotted: false
                    ),
                    _ => throw new ChatTemplateException(line, "Expected a name after '.'."),
                };
            }
            else if (tokens.TryOperator("["))
            {
                value = Subscript(value, line);
            }
            else if (tokens.IsOperator("("))
            {
                value = new Call(line, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression Subscript(Expression owner, int line)
    {
        Expression? start = null,
            stop = null,
            step = null;
        if (!tokens.IsOperator(":"))
        {
            start = Parse();
            if (tokens.TryOperator("]"))
            {
                return new Member(line, owner, start, Dotted: false);
            }
        }

        tokens.NeedOperator(":");
        if (!tokens.IsOperator("]") && !tokens.IsOperator(":"))
        {
            stop = Parse();
        }

        if (tokens.TryOperator(":") && !tokens.IsOperator("]"))
        {
            step = Parse();
        }

        tokens.NeedOperator("]");
        return new Slice(line, owner, start, stop, step);
    }

    private ArgumentList Arguments()
    {
        tokens.NeedOperator("(");
        var list = new ArgumentList([], []);
        while (!tokens.TryOperator(")"))
        {
            if (tokens.IsOperator("*") || tokens.IsOperator("**"))
            {
                throw tokens.Error("Unpacking values into a call ('*') is not implemented. Name each value.");
            }

            if (tokens.Current.Kind == TokenKind.Name && tokens.NextIsOperator("="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                list.Named.Add((name, Parse()));
            }
            else
            {
                list.Values.Add(Parse());
            }

            if (!tokens.IsOperator(")"))
            {
                tokens.NeedOperator(",");
            }
        }

        return list;
    }

    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (tokens.IsOperator("|"))
            {
                value = FilterOf()(value);
            }
            else if (tokens.IsName("is"))
            {
                value = TestOf(value);
            }
            else if (tokens.IsOperator("("))
            {
                value = new Call(tokens.Line, value, Arguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Func<Expression, Expression> FilterOf()
    {
        var line = tokens.Take().Line;
        var name = tokens.Need(TokenKind.Name).Text;
        var apply = Filters.Find(name)
            ?? throw new ChatTemplateException(line, $"The filter '{name}' is not implemented. Implemented are: {Filters.Known}.");
        var list = tokens.IsOperator("(") ? Arguments() : ArgumentList.Empty;
        return operand => new Filter(line, operand, name, apply, list);
    }

    private Test TestOf(Expression value)
    {
        var line = tokens.Take().Line;
        var negate = tokens.TryName("not");
        var name = tokens.Need(TokenKind.Name).Text;
        var apply = Tests.Find(name)
            ?? throw new ChatTemplateException(line, $"The test '{name}' is not implemented. Implemented are: {Tests.Known}.");
        var list = ArgumentList.Empty;
        if (tokens.IsOperator("("))
        {
            list = Arguments();
        }
        else if (
            tokens.Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float
            || tokens.IsOperator("[")
            || tokens.IsOperator("{")
            || (
                tokens.Current.Kind == TokenKind.Name
                && tokens.Current.Text is not ("else" or "or" or "and" or "is" or "if" or "not" or "in")
            )
        )
        {
            list = new ArgumentList([Postfix(Primary())], []);
        }

        return new Test(line, value, name, apply, list, negate);
    }
}
