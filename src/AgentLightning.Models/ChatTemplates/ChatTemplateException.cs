namespace AgentLightning.Models.ChatTemplates;

/// <summary>A chat template cannot be read or run, or refuses the messages itself.</summary>
public sealed class ChatTemplateException : Exception
{
    public ChatTemplateException(int line, string message, bool refused = false)
        : base(line > 0 ? $"Chat template, line {line}: {message}" : $"Chat template: {message}")
    {
        Line = line;
        Refused = refused;
    }

    /// <summary>The line of the template, from 1; 0 when no line is to blame.</summary>
    public int Line { get; }

    /// <summary>
    /// Whether the template itself said no (<c>raise_exception</c>): then the messages are to blame, and not the template.
    /// </summary>
    public bool Refused { get; }
}
