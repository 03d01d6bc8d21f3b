namespace AgentLightning.Models.Environments.Tools;

/// <summary>How a family of models writes that it calls a tool.</summary>
public enum ToolCallFormat
{
    /// <summary>
    /// Hermes and Qwen: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, any number of them among other text.
    /// </summary>
    Hermes,

    /// <summary>
    /// Llama 3: nothing but <c>{"name": …, "parameters": {…}}</c>, perhaps after <c>&lt;|python_tag|&gt;</c>; several with <c>;</c> between
    /// them.
    /// </summary>
    Llama,

    /// <summary>Mistral: <c>[TOOL_CALLS]</c> and a list of <c>{"name": …, "arguments": {…}}</c>.</summary>
    Mistral,
}

/// <summary>Tells the format from a chat template.</summary>
public static class ToolCallFormats
{
    /// <summary>The format in which the template writes calls that were made; null when it shows none that is known.</summary>
    /// <param name="template">Its source.</param>
    public static ToolCallFormat? Find(string template)
    {
        return Shows("<tool_call>") ? ToolCallFormat.Hermes
            : Shows("[TOOL_CALLS]") ? ToolCallFormat.Mistral
            : Shows("ipython") || Shows("\"parameters\"") ? ToolCallFormat.Llama
            : null;

        bool Shows(string mark) => template.Contains(mark, StringComparison.Ordinal);
    }
}
