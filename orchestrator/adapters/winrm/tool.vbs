' Stands in for certutil where a host's own cannot decode or hash.
' cscript //nologo tool.vbs decode SOURCE TARGET
' cscript //nologo tool.vbs sha1 FILE
' cscript //nologo tool.vbs fetch URL TARGET
Option Explicit
Dim P(31), i
P(0) = 1
For i = 1 To 30
P(i) = P(i - 1) * 2
Next
Select Case WScript.Arguments(0)
Case "decode"
Decode WScript.Arguments(1), WScript.Arguments(2)
Case "sha1"
WScript.Echo "SHA1:"
WScript.Echo HashOf(WScript.Arguments(1))
Case "fetch"
Fetch WScript.Arguments(1), WScript.Arguments(2)
End Select
Function ReadText(path)
Dim file
Set file = CreateObject("Scripting.FileSystemObject").OpenTextFile(path, 1, False, 0)
ReadText = file.ReadAll
file.Close
End Function
Sub Save(bytes, path)
Dim stream
Set stream = CreateObject("ADODB.Stream")
stream.Type = 1
stream.Open
stream.Write bytes
stream.SaveToFile path, 1
stream.Close
End Sub
Sub Decode(source, target)
Dim text, node, ok
text = ReadText(source)
On Error Resume Next
Set node = CreateObject("Microsoft.XMLDOM").createElement("x")
node.dataType = "bin.base64"
node.text = text
Save node.nodeTypedValue, target
ok = (Err.Number = 0)
On Error GoTo 0
If Not ok Then DecodePlain text, target
End Sub
Sub DecodePlain(text, target)
Dim file, value(255), k, c, bits, have, letters, out
letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
For k = 0 To 255
value(k) = -1
Next
For k = 1 To 64
value(Asc(Mid(letters, k, 1))) = k - 1
Next
Set file = CreateObject("Scripting.FileSystemObject").CreateTextFile(target, True, False)
bits = 0
have = 0
out = ""
For k = 1 To Len(text)
c = value(Asc(Mid(text, k, 1)) And 255)
If c >= 0 Then
bits = bits * 64 + c
have = have + 6
If have >= 8 Then
have = have - 8
out = out & Chr(bits \ P(have))
bits = bits And (P(have) - 1)
If Len(out) > 4096 Then
file.Write out
out = ""
End If
End If
End If
Next
file.Write out
file.Close
End Sub
Sub Fetch(url, target)
Dim http
Set http = CreateObject("Microsoft.XMLHTTP")
http.Open "GET", url, False
http.Send
If http.Status <> 200 Then WScript.Quit 2
Save http.responseBody, target
End Sub
Function HashOf(path)
Dim bytes, k, text
bytes = Digest(path)
If VarType(bytes) < 8192 Then
HashOf = LCase(HashPlain(ReadText(path)))
Else
text = ""
For k = 1 To LenB(bytes)
text = text & Right("0" & Hex(AscB(MidB(bytes, k, 1))), 2)
Next
HashOf = LCase(text)
End If
End Function
Function Digest(path)
Dim stream, hash
Digest = Empty
On Error Resume Next
Set hash = CreateObject("System.Security.Cryptography.SHA1CryptoServiceProvider")
If Err.Number <> 0 Then Exit Function
Set stream = CreateObject("ADODB.Stream")
stream.Type = 1
stream.Open
stream.LoadFromFile path
If Err.Number <> 0 Then Exit Function
Digest = hash.ComputeHash_2((stream.Read))
End Function
Function Fold(x)
Dim y
y = x - Int(x / 4294967296) * 4294967296
If y >= 2147483648 Then y = y - 4294967296
Fold = CLng(y)
End Function
Function Rotate(x, n)
Dim left, right
left = (x And (P(31 - n) - 1)) * P(n)
If x And P(31 - n) Then left = left Or &H80000000
right = 0
If n > 1 Then right = (x And &H7FFFFFFF) \ P(32 - n)
If x < 0 Then right = right Or P(n - 1)
Rotate = left Or right
End Function
Function Word(b0, b1, b2, b3)
Word = (b0 And 127) * &H1000000 Or b1 * &H10000 Or b2 * &H100& Or b3
If b0 And 128 Then Word = Word Or &H80000000
End Function
Function ByteAt(text, size, total, k)
If k <= size Then
ByteAt = Asc(Mid(text, k, 1)) And 255
ElseIf k = size + 1 Then
ByteAt = 128
ElseIf k > total - 4 Then
ByteAt = (size * 8 \ P((total - k) * 8)) And 255
Else
ByteAt = 0
End If
End Function
Function HashPlain(text)
Dim size, total, at, t, w(79), h0, h1, h2, h3, h4, a, b, c, d, e, f, k, x, chunk
size = Len(text)
total = ((size + 8) \ 64 + 1) * 64
h0 = &H67452301
h1 = &HEFCDAB89
h2 = &H98BADCFE
h3 = &H10325476
h4 = &HC3D2E1F0
For at = 0 To total - 64 Step 64
If at + 64 <= size Then
chunk = Mid(text, at + 1, 64)
For t = 0 To 15
k = t * 4
w(t) = Word(Asc(Mid(chunk, k + 1, 1)) And 255, Asc(Mid(chunk, k + 2, 1)) And 255, Asc(Mid(chunk, k + 3, 1)) And 255, Asc(Mid(chunk, k + 4, 1)) And 255)
Next
Else
For t = 0 To 15
k = at + t * 4
w(t) = Word(ByteAt(text, size, total, k + 1), ByteAt(text, size, total, k + 2), ByteAt(text, size, total, k + 3), ByteAt(text, size, total, k + 4))
Next
End If
For t = 16 To 79
w(t) = Rotate(w(t - 3) Xor w(t - 8) Xor w(t - 14) Xor w(t - 16), 1)
Next
a = h0
b = h1
c = h2
d = h3
e = h4
For t = 0 To 79
If t < 20 Then
f = (b And c) Or ((Not b) And d)
k = &H5A827999
ElseIf t < 40 Then
f = b Xor c Xor d
k = &H6ED9EBA1
ElseIf t < 60 Then
f = (b And c) Or (b And d) Or (c And d)
k = &H8F1BBCDC
Else
f = b Xor c Xor d
k = &HCA62C1D6
End If
x = Fold(CDbl(Rotate(a, 5)) + f + e + k + w(t))
e = d
d = c
c = Rotate(b, 30)
b = a
a = x
Next
h0 = Fold(CDbl(h0) + a)
h1 = Fold(CDbl(h1) + b)
h2 = Fold(CDbl(h2) + c)
h3 = Fold(CDbl(h3) + d)
h4 = Fold(CDbl(h4) + e)
Next
HashPlain = Hex8(h0) & Hex8(h1) & Hex8(h2) & Hex8(h3) & Hex8(h4)
End Function
Function Hex8(x)
Hex8 = Right("0000" & Hex(((x And &HFFFF0000) \ &H10000) And &HFFFF&), 4) & Right("0000" & Hex(x And &HFFFF&), 4)
End Function
