namespace AgentLightning.Models.ChatTemplates;

/// <summary>Makes statements of tokens.</summary>
internal sealed class TemplateParser
{
    /// <summary>The stack is finite; templates of models stay below ten.</summary>
    private const int Deepest = 60;

    private const string Known = "for, if, set, macro, break, continue, generation, raw";
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _depth;
    private int _loops;

    private TemplateParser(List<TemplateToken> tokens)
    {
        _tokens = new TokenReader(tokens);
        _expressions = new ExpressionParser(_tokens);
    }

    public static List<Statement> Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Read(source));
        return parser.Body([], out _);
    }

    /// <summary>Statements up to a tag of one of the names, whose name is taken.</summary>
    private List<Statement> Body(string[] ends, out string end)
    {
        if (++_depth > Deepest)
        {
            throw _tokens.Error($"Tags are nested more than {Deepest} deep.");
        }

        var body = new List<Statement>();
        var opened = _tokens.Line;
        while (true)
        {
            var token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.End when ends.Length > 0:
                    throw new ChatTemplateException(opened, $"Here a tag begins that has no '{ends[^1]}'.");
                case TokenKind.End:
                    end = "";
                    return body;
                case TokenKind.Text:
                    body.Add(new TextStatement(token.Line, token.Text));
                    break;
                case TokenKind.OutputStart:
                    body.Add(new OutputStatement(token.Line, _expressions.ParseTuple()));
                    _tokens.Need(TokenKind.OutputEnd);
                    break;
                default:
                    var name = _tokens.Need(TokenKind.Name).Text;
                    if (ends.Contains(name))
                    {
                        _depth--;
                        end = name;
                        return body;
                    }

                    body.Add(Tag(name, token.Line));
                    break;
            }
        }
    }

    private Statement Tag(string name, int line) =>
        name switch
        {
            "if" => If(line),
            "for" => For(line),
            "set" => Set(line),
            "macro" => Macro(line),
            "generation" => Generation(line),
            "break" or "continue" => Jump(name, line),
            _ when name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif" => throw new ChatTemplateException(
                line,
                $"'{name}' ends nothing that is open."
            ),
            _ => throw new ChatTemplateException(
                line,
                $"The tag '{name}' is not implemented. Implemented are: {Known}. Write the template with these, or put the prompt "
                    + $"together in code."
            ),
        };

    private IfStatement If(int line)
    {
        var branches = new List<(Expression, List<Statement>)>();
        List<Statement> otherwise = [];
        var end = "elif";
        while (end == "elif")
        {
            var condition = _expressions.ParseTuple();
            EndTag();
            var body = Body(["elif", "else", "endif"], out end);
            branches.Add((condition, body));
        }

        EndTag();
        if (end == "else")
        {
            otherwise = Body(["endif"], out _);
            EndTag();
        }

        return new IfStatement(line, branches, otherwise);
    }

    private ForStatement For(int line)
    {
        var target = Target();
        _tokens.NeedName("in");
        var source = _expressions.ParseTuple(conditional: false);
        var where = _tokens.TryName("if") ? _expressions.Parse() : null;
        if (_tokens.TryName("recursive"))
        {
            throw _tokens.Error("Loops that call themselves ('recursive') are not implemented. Use a macro.");
        }

        EndTag();
        _loops++;
        var body = Body(["else", "endfor"], out var end);
        _loops--;
        EndTag();
        List<Statement> otherwise = [];
        if (end == "else")
        {
            otherwise = Body(["endfor"], out _);
            EndTag();
        }

        return new ForStatement(line, target, source, where, body, otherwise);
    }

    private Statement Set(int line)
    {
        var target = Target();
        if (_tokens.TryOperator("="))
        {
            var value = _expressions.ParseTuple();
            EndTag();
            return new SetStatement(line, target, value);
        }

        // Filters are kept as what they make of the text, which is only known when the template runs.
        var filters = _expressions.ParseFilters();
        EndTag();
        var body = Body(["endset"], out _);
        EndTag();
        return new SetBlockStatement(line, target, body, filters);
    }

    private Target Target()
    {
        var line = _tokens.Line;
        var bracket = _tokens.TryOperator("(");
        List<string> names = [Name()];
        if (!bracket && _tokens.TryOperator("."))
        {
            return new Target(line, names, _tokens.Need(TokenKind.Name).Text);
        }

        while (_tokens.TryOperator(","))
        {
            names.Add(Name());
        }

        if (bracket)
        {
            _tokens.NeedOperator(")");
        }

        return new Target(line, names, null);
    }

    private string Name() =>
        _tokens.Need(TokenKind.Name).Text is var name && name is not ("true" or "false" or "none" or "True" or "False" or "None")
            ? name
            : throw _tokens.Error($"'{name}' cannot be set.");

    private MacroStatement Macro(int line)
    {
        var name = Name();
        _tokens.NeedOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!_tokens.TryOperator(")"))
        {
            var parameter = Name();
            parameters.Add((parameter, _tokens.TryOperator("=") ? _expressions.Parse() : null));
            if (!_tokens.IsOperator(")"))
            {
                _tokens.NeedOperator(",");
            }
        }

        EndTag();
        var loops = _loops;
        _loops = 0;
        var body = Body(["endmacro"], out _);
        _loops = loops;
        _tokens.TryName(name);
        EndTag();
        return new MacroStatement(line, name, parameters, body);
    }

    private MarkedStatement Generation(int line)
    {
        EndTag();
        var body = Body(["endgeneration"], out _);
        EndTag();
        return new MarkedStatement(line, body);
    }

    private JumpStatement Jump(string name, int line)
    {
        EndTag();
        return _loops > 0
            ? new JumpStatement(line, name == "break" ? Flow.Break : Flow.Continue)
            : throw new ChatTemplateException(line, $"'{name}' stands outside of a loop.");
    }

    private void EndTag() => _tokens.Need(TokenKind.TagEnd);
}
