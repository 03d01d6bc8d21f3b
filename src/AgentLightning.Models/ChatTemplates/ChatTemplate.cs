namespace AgentLightning.Models.ChatTemplates;

/// <summary>
/// How a model wants messages written as one text: the part of Jinja that models' templates use, with the white space of Hugging Face.
/// What is not implemented is a <see cref="ChatTemplateException"/> that names it and its line, never another text.
/// </summary>
/// <remarks>
/// Safe for many threads at once. A template is foreign code: its steps, the text that it makes and its depth are bounded, and it can reach
/// nothing but the values it is given and the date. Prompts with images, and tags such as <c>include</c> or <c>call</c>, are not supported.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly List<Statement> _body;
    private readonly TimeProvider _clock;

    private ChatTemplate(string source, List<Statement> body, TimeProvider clock) => (Source, _body, _clock) = (source, body, clock);

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">As in tokenizer_config.json or chat_template.jinja.</param>
    /// <param name="clock">Today's date, which some templates write; the system's when left out.</param>
    public static ChatTemplate Parse(string source, TimeProvider? clock = null) =>
        new(source, TemplateParser.Parse(source), clock ?? TimeProvider.System);

    /// <summary>A message of a role and a text.</summary>
    public static IReadOnlyDictionary<string, object?> Message(string role, string content) =>
        new Dictionary<string, object?> { ["role"] = role, ["content"] = content };

    /// <summary>Writes messages as the model reads them.</summary>
    /// <param name="messages">Dictionaries or JSON objects with <c>role</c>, <c>content</c> and what else the template reads, such as
    /// <c>tool_calls</c>.</param>
    /// <param name="tools">Function schemas in OpenAI's shape, or null.</param>
    /// <param name="addGenerationPrompt">Whether the text ends where the model is to answer.</param>
    /// <param name="extra">More variables, such as <c>bos_token</c> or <c>enable_thinking</c>; they go before those above.</param>
    /// <exception cref="ChatTemplateException">The template refuses the messages, fails, or is out of bounds.</exception>
    public string Render(
        IReadOnlyList<object?> messages,
        IReadOnlyList<object?>? tools = null,
        bool addGenerationPrompt = false,
        IReadOnlyDictionary<string, object?>? extra = null
    ) => RenderMarked(messages, tools, addGenerationPrompt, extra).Text;

    /// <summary>
    /// The text, and the parts of it that lie in <c>generation</c> tags; none where the template has no such tags, or has them where their
    /// place is not known.
    /// </summary>
    internal (string Text, IReadOnlyList<Range> Generated) RenderMarked(
        IReadOnlyList<object?> messages,
        IReadOnlyList<object?>? tools,
        bool addGenerationPrompt,
        IReadOnlyDictionary<string, object?>? extra
    )
    {
        var context = new RenderContext(_clock);
        foreach (var function in Globals.All)
        {
            context.Scope[function.Name] = function;
        }

        context.Scope["messages"] = Values.From(messages);
        context.Scope["tools"] = Values.From(tools);
        context.Scope["documents"] = null;
        context.Scope["add_generation_prompt"] = addGenerationPrompt;
        foreach (var (name, value) in extra ?? new Dictionary<string, object?>())
        {
            context.Scope[name] = Values.From(value);
        }

        context.Scope = new Scope(context.Scope);
        try
        {
            Statement.RunAll(_body, context);
        }
        catch (ChatTemplateException e) when (e.Line == 0)
        {
            throw new ChatTemplateException(context.Line, e.Message["Chat template: ".Length..], e.Refused);
        }
        catch (OverflowException)
        {
            throw context.Error("A number has no result that can be held.");
        }

        return (context.Output.ToString(), context.Generated ?? []);
    }
}
