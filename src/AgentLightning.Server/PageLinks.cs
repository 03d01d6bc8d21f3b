using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server;

/// <summary>Tells where a list goes on, in the header <c>Link</c> of RFC 8288: what is in the body is what it always was.</summary>
internal static class PageLinks
{
    /// <summary>Names the page that follows: the same request from where this page ended. Null is the last, which names none.</summary>
    public static void LinkNext(this HttpResponse response, string? next)
    {
        if (next is null)
        {
            return;
        }

        var request = response.HttpContext.Request;
        var query = QueryString.Create(
            request
                .Query.Where(part => part.Key != "before")
                .SelectMany(part => part.Value.Select(value => KeyValuePair.Create(part.Key, value)))
                .Append(KeyValuePair.Create("before", (string?)next))
        );
        response.Headers.Append("Link", $"<{request.Path}{query}>; rel=\"next\"");
    }
}
