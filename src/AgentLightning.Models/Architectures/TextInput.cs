namespace AgentLightning.Models.Architectures;

/// <summary>
/// A text to classify, by field. Each field has features of its own, so the same word counts differently in a title and in a body.
/// </summary>
/// <param name="Title">One line; may be empty.</param>
/// <param name="Body">Free text, plain or Markdown; may be empty.</param>
/// <param name="Tags">What is known beside the text, as <c>name=value</c>; each is one feature.</param>
public readonly record struct TextInput(string Title, string Body, IReadOnlyList<string>? Tags = null)
{
    /// <summary>A text without title or tags.</summary>
    public static implicit operator TextInput(string body) => new("", body);
}
