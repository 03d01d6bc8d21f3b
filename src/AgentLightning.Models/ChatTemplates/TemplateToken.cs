namespace AgentLightning.Models.ChatTemplates;

internal enum TokenKind
{
    Text,
    OutputStart,
    OutputEnd,
    TagStart,
    TagEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

internal readonly record struct TemplateToken(TokenKind Kind, string Text, int Line);
