using AgentLightning.Common;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;
using Microsoft.Extensions.AI;

namespace AgentLightning.Local.Chat;

/// <summary>Messages as the tokens that a model goes on with.</summary>
internal static class ChatPrompt
{
    public static int[] Encode(Tokenizer tokenizer, string? template, IEnumerable<ChatMessage> messages, string? instructions) => LanguageModel.Guard(() =>
    {
        var all = instructions is { Length: > 0 } ? messages.Prepend(new ChatMessage(ChatRole.System, instructions)) : messages;
        (string Role, string Content)[] texts = [.. all.Select(message => (message.Role.Value, TextOf(message)))];
        if (texts.Length == 0)
        {
            throw LightningException.Invalid("There are no messages to answer. Give at least one.");
        }

        if (template is null && tokenizer.ChatTemplate is null)
        {
            return tokenizer.Encode(string.Concat(texts.Select(text => $"{text.Role}: {text.Content}\n")) + "assistant:");
        }

        object?[] values = [.. texts.Select(text => (object?)ChatTemplate.Message(text.Role, text.Content))];
        var prompt = template is null ? tokenizer.RenderChat(values) : ChatTemplate.Parse(template).Render(values, addGenerationPrompt: true, extra: tokenizer.TemplateTokens);
        return tokenizer.Encode(prompt, addSpecialTokens: false);
    });

    private static string TextOf(ChatMessage message) => string.Concat(message.Contents.Select(content => content switch
    {
        TextContent text => text.Text,
        // What a model thought before an earlier answer is not said again.
        TextReasoningContent or UsageContent => "",
        _ => throw LightningException.Invalid($"A local model reads text only, but a message of '{message.Role}' has a {content.GetType().Name}."),
    }));
}
