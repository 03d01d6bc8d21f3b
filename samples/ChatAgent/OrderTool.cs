using Microsoft.Extensions.AI;

namespace ChatAgent;

/// <summary>Answers the calls of the model with the state of an order, and asks it again, until it has said something.</summary>
internal sealed class OrderTool(IChatClient inner) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var conversation = messages.ToList();
        var said = conversation.Count;
        while (true)
        {
            var response = await base.GetResponseAsync(conversation, options, cancellationToken);
            conversation.AddRange(response.Messages);
            var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
            if (calls.Count == 0)
            {
                response.Messages = [.. conversation.Skip(said)];
                return response;
            }

            conversation.Add(
                new ChatMessage(
                    ChatRole.Tool,
                    [.. calls.Select(call => new FunctionResultContent(call.CallId, $"order {call.Arguments?["number"]}: on its way"))]
                )
            );
        }
    }
}
