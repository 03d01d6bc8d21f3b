namespace AgentLightning.Models.ChatTemplates;

/// <summary>Tokens in order, with what is expected next.</summary>
internal sealed class TokenReader(List<TemplateToken> tokens)
{
    private int _at;

    public TemplateToken Current => tokens[_at];

    public int Line => Current.Line;

    public TemplateToken Take() => Current.Kind == TokenKind.End ? Current : tokens[_at++];

    public bool IsOperator(string text) => Current.Kind == TokenKind.Operator && Current.Text == text;

    public bool IsName(string text) => Current.Kind == TokenKind.Name && Current.Text == text;

    public bool NextIsName(string text) => _at + 1 < tokens.Count && tokens[_at + 1] is { Kind: TokenKind.Name } next && next.Text == text;

    public bool NextIsOperator(string text) =>
        _at + 1 < tokens.Count && tokens[_at + 1] is { Kind: TokenKind.Operator } next && next.Text == text;

    public bool TryOperator(string text) => IsOperator(text) && Advance();

    public bool TryName(string text) => IsName(text) && Advance();

    public TemplateToken Need(TokenKind kind) =>
        Current.Kind == kind
            ? Take()
            : throw Unexpected(
                kind switch
                {
                    TokenKind.OutputEnd => "'}}'",
                    TokenKind.TagEnd => "'%}'",
                    TokenKind.Name => "a name",
                    _ => kind.ToString(),
                }
            );

    public void NeedOperator(string text)
    {
        if (!TryOperator(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    public void NeedName(string text)
    {
        if (!TryName(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    public ChatTemplateException Unexpected(string expected) => Error($"Expected {expected}, but there is {Shown()}.");

    public ChatTemplateException Error(string message) => new(Line, message);

    private string Shown() =>
        Current.Kind switch
        {
            TokenKind.End => Current.Text,
            TokenKind.String => $"the text '{Current.Text}'",
            TokenKind.TagEnd or TokenKind.OutputEnd => "the end of the tag",
            _ => $"'{Current.Text}'",
        };

    private bool Advance()
    {
        _at++;
        return true;
    }
}
